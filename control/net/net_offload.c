/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_offload: receive merging off, by the ethtool ioctl; see net_offload.h.
 *
 * Features are bits; their numbers differ between kernels and are found by name: the string set
 * gives bit -> name. Drivers without ethtool (or a feature without a switch) are no error.
 *
 * Context: control. linux/ethtool.h: ETHTOOL_GSSET_INFO, GSTRINGS, GFEATURES, SFEATURES.
 */
#include "net_offload.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "control/log.h"
#include "net_priv.h"

#define FEATURES_MAX 256 /* bits; Linux 6.18 has about 64 */
#define BLOCKS       (FEATURES_MAX / 32)

static const char *const merge_features[] = {
	"rx-gro", "rx-gro-hw", "rx-gro-list", "rx-udp-gro-forwarding", "rx-lro",
};
#define MERGE_FEATURES (sizeof(merge_features) / sizeof(merge_features[0]))

struct offload {
	int fd;
	const char *ifname;
	unsigned count;          /* features of this kernel */
	int bit[MERGE_FEATURES]; /* -1: unknown to this kernel */
};

static int ethtool(const struct offload *o, void *data)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", o->ifname);
	ifr.ifr_data = data;
	return ioctl(o->fd, SIOCETHTOOL, &ifr) < 0 ? -errno : 0;
}

static int features_count(struct offload *o)
{
	union {
		struct ethtool_sset_info head;
		uint8_t room[sizeof(struct ethtool_sset_info) + sizeof(uint32_t)];
	} request;
	int rc;

	memset(&request, 0, sizeof(request));
	request.head.cmd = ETHTOOL_GSSET_INFO;
	request.head.sset_mask = 1ULL << ETH_SS_FEATURES;
	rc = ethtool(o, &request);
	if (rc < 0)
		return rc;
	if (request.head.sset_mask == 0 || request.head.data[0] > FEATURES_MAX)
		return -EOPNOTSUPP;
	o->count = request.head.data[0];
	return 0;
}

static void bits_find(struct offload *o, const uint8_t *names)
{
	for (size_t f = 0; f < MERGE_FEATURES; f++) {
		o->bit[f] = -1;
		for (unsigned i = 0; i < o->count; i++) {
			const char *name = (const char *)names + i * ETH_GSTRING_LEN;

			if (strncmp(name, merge_features[f], ETH_GSTRING_LEN) == 0)
				o->bit[f] = (int)i;
		}
	}
}

static int features_names(struct offload *o)
{
	struct ethtool_gstrings *strings;
	int rc;

	strings = calloc(1, sizeof(*strings) + o->count * ETH_GSTRING_LEN);
	if (!strings)
		return -ENOMEM;
	strings->cmd = ETHTOOL_GSTRINGS;
	strings->string_set = ETH_SS_FEATURES;
	strings->len = o->count;
	rc = ethtool(o, strings);
	if (rc == 0)
		bits_find(o, strings->data);
	free(strings);
	return rc;
}

/* Bits of merge_features that are on: bit f of the result. */
static int active_get(const struct offload *o, unsigned *active)
{
	union {
		struct ethtool_gfeatures head;
		uint8_t room[sizeof(struct ethtool_gfeatures) +
			     BLOCKS * sizeof(struct ethtool_get_features_block)];
	} request;
	int rc;

	memset(&request, 0, sizeof(request));
	request.head.cmd = ETHTOOL_GFEATURES;
	request.head.size = BLOCKS;
	rc = ethtool(o, &request);
	*active = 0;
	for (size_t f = 0; rc == 0 && f < MERGE_FEATURES; f++) {
		if (o->bit[f] >= 0 &&
		    (request.head.features[o->bit[f] / 32].active & (1u << (o->bit[f] % 32))))
			*active |= 1u << f;
	}
	return rc;
}

static int features_off(const struct offload *o)
{
	union {
		struct ethtool_sfeatures head;
		uint8_t room[sizeof(struct ethtool_sfeatures) +
			     BLOCKS * sizeof(struct ethtool_set_features_block)];
	} request;

	memset(&request, 0, sizeof(request));
	request.head.cmd = ETHTOOL_SFEATURES;
	request.head.size = (o->count + 31) / 32;
	for (size_t f = 0; f < MERGE_FEATURES; f++) {
		if (o->bit[f] >= 0)
			request.head.features[o->bit[f] / 32].valid |= 1u << (o->bit[f] % 32);
	}
	return ethtool(o, &request);
}

static void names_log(const struct offload *o, unsigned features, const char *what)
{
	for (size_t f = 0; f < MERGE_FEATURES; f++) {
		if (features & (1u << f))
			log_info("interface %s: %s %s", o->ifname, merge_features[f], what);
	}
}

static int merge_off(struct offload *o)
{
	unsigned before, after;
	int rc;

	rc = features_count(o);
	if (rc == 0)
		rc = features_names(o);
	if (rc == 0)
		rc = active_get(o, &before);
	if (rc < 0 || before == 0)
		return rc;
	rc = features_off(o);
	if (rc == 0)
		rc = active_get(o, &after);
	if (rc < 0)
		return rc;
	names_log(o, before & ~after, "was on: off now (merged frames are larger than the MTU)");
	names_log(o, after, "stays on: the driver has no switch; large frames will be lost");
	return 0;
}

int net_offload_merge_off(const char *ifname)
{
	struct offload o = {.ifname = ifname};
	int rc;

	o.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (o.fd < 0)
		return net_error_set(-errno, "interface %s: offloads: %s", ifname, strerror(errno));
	rc = merge_off(&o);
	close(o.fd);
	if (rc == -EOPNOTSUPP)
		return 0;
	if (rc < 0)
		return net_error_set(rc, "interface %s: offloads: %s", ifname, strerror(-rc));
	return 0;
}
