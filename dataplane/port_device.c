/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port_device: what a port's device string says, and what is added to it. Pure text, no EAL; any
 * thread may call.
 *
 * A device string is NAME or NAME,KEY=VALUE,...; NAME is a PCI address or a vdev's name, which
 * starts with its driver's ("net_af_packet0"), with or without its bus in front ("vdev:", "pci:").
 */
#include "port.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

/* Drivers that work on an existing kernel interface, and the argument that names it. */
static const struct {
	const char *driver;
	const char *key;
} kernel_backed[] = {
	{"net_af_packet", "iface"}, {"eth_af_packet", "iface"}, /* its alias */
	{"net_af_xdp", "iface"},    {"net_pcap", "iface"},      {"eth_pcap", "iface"},
};

/* TPACKET_V2 puts its header, an address and alignment in front of a frame. */
#define TPACKET_OVERHEAD  96
#define TPACKET_STEP      1024U /* divides a block of whole pages, fits into a buffer of plan.c */
#define TPACKET_PAGE      4096U
#define ETHERNET_OVERHEAD 22 /* header, one VLAN tag, FCS */

static const char *skip_bus(const char *device)
{
	if (strncmp(device, "vdev:", 5) == 0)
		return device + 5;
	if (strncmp(device, "pci:", 4) == 0)
		return device + 4;
	return device;
}

static bool driver_is(const char *device, const char *driver)
{
	return strncmp(skip_bus(device), driver, strlen(driver)) == 0;
}

bool port_device_is_af_packet(const char *device)
{
	return driver_is(device, "net_af_packet") || driver_is(device, "eth_af_packet");
}

int port_device_name(const char *device, char name[64])
{
	const char *start = skip_bus(device);
	size_t len = strcspn(start, ",");

	if (len == 0 || len >= 64)
		return -EINVAL;
	memcpy(name, start, len);
	name[len] = '\0';
	return 0;
}

/* Value of KEY= among the arguments, its length in *len; NULL: not there. */
static const char *argument(const char *device, const char *key, size_t *len)
{
	size_t n = strlen(key);

	for (const char *p = strchr(device, ','); p != NULL; p = strchr(p, ',')) {
		p++;
		if (strncmp(p, key, n) != 0 || p[n] != '=')
			continue;
		*len = strcspn(p + n + 1, ",");
		return p + n + 1;
	}
	return NULL;
}

bool dp_port_raw_interface(const char *device, char ifname[DP_NAME_LEN])
{
	for (size_t i = 0; i < sizeof(kernel_backed) / sizeof(kernel_backed[0]); i++) {
		const char *value;
		size_t len;

		if (!driver_is(device, kernel_backed[i].driver))
			continue;
		value = argument(device, kernel_backed[i].key, &len);
		if (value == NULL || len == 0 || len >= IFNAMSIZ)
			return false;
		memcpy(ifname, value, len);
		ifname[len] = '\0';
		return true;
	}
	return false;
}

static bool argument_is_missing(const char *device, const char *key)
{
	size_t len;

	return argument(device, key, &len) == NULL;
}

static int append(char out[PORT_DEVARGS_MAX], const char *key, uint32_t value)
{
	size_t used = strlen(out);
	int n = snprintf(out + used, PORT_DEVARGS_MAX - used, ",%s=%u", key, value);

	return (size_t)n < PORT_DEVARGS_MAX - used ? 0 : -ENAMETOOLONG;
}

/* The ring: frames of a multiple of 1 KB, in the smallest block of whole pages that they divide. */
static int append_ring(const struct dp_port_conf *conf, char out[PORT_DEVARGS_MAX])
{
	uint32_t frame = conf->mtu + ETHERNET_OVERHEAD + TPACKET_OVERHEAD;
	uint32_t block;
	int rc;

	frame = (frame + TPACKET_STEP - 1) / TPACKET_STEP * TPACKET_STEP;
	for (block = frame; block % TPACKET_PAGE != 0; block += frame)
		;
	rc = append(out, "framesz", frame);
	if (rc == 0)
		rc = append(out, "blocksz", block);
	return rc;
}

int port_devargs(const struct dp_port_conf *conf, uint32_t workers, char out[PORT_DEVARGS_MAX])
{
	int rc = 0;

	snprintf(out, PORT_DEVARGS_MAX, "%s", conf->device);
	if (!port_device_is_af_packet(conf->device))
		return 0;
	/* Receive and send queues come in pairs here; each worker sends by its own. */
	if (argument_is_missing(conf->device, "qpairs"))
		rc = append(out, "qpairs", workers > conf->queues ? workers : conf->queues);
	if (rc == 0 && argument_is_missing(conf->device, "framesz") &&
	    argument_is_missing(conf->device, "blocksz"))
		rc = append_ring(conf, out);
	if (rc == 0 && argument_is_missing(conf->device, "framecnt") && conf->descriptors != 0)
		rc = append(out, "framecnt", conf->descriptors);
	return rc;
}
