/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xfrm_kernel: an IKE daemon's requests to the kernel, answered by the hub (xfrm_kernel.h).
 *
 * An SA is ours when one end is the source of a tunnel whose protection takes SAs this way, and all
 * else about it is what we serve; anything else is refused, with a log line that names the reason.
 * Policies are acknowledged and forgotten: the tunnel is the policy (a protected tunnel sends and
 * takes nothing in clear). What the daemon asks about a policy is answered from the SAs between its
 * two addresses. SPIs that it has asked for are held for three minutes, as the kernel does; the
 * slot of one is its low bits, so that two can never be the same.
 *
 * Not done: GETAE, and with it the daemon's own update of an SA to new addresses (the dataplane
 * follows a peer behind a NAT by itself); dumps; inbound SPIs that lead to the SA without a hash;
 * the replay window of an SA that a new dmvpnd is given again begins anew.
 */
#include "xfrm_kernel.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <stdlib.h>
#include <sys/random.h>

#include "control/clock.h"
#include "control/log.h"
#include "control/sa/sa.h"
#include "xfrm_reply.h"

#define LARVAL_MAX   4096 /* SPIs in negotiation */
#define LARVAL_MS    180000
#define SPI_ATTEMPTS 64

struct larval {
	struct dp_addr dst;
	uint32_t spi; /* 0: free */
	uint64_t expires_ms;
};

/* Of SAs that came this way, by handle. */
struct note {
	bool used;
	uint32_t reqid;
};

struct xfrm_kernel {
	struct xfrm_kernel_conf conf;
	struct note *notes; /* [limits.sas + 1] */
	uint32_t acquire_seq;
	struct larval larvals[LARVAL_MAX];
	struct xfrm_kernel_info info;
};

/* ---- whose SA it is ---- */

/* The profile of a tunnel from `local` that takes its SAs from the daemon; 0: none. */
static uint32_t profile_find(const struct xfrm_kernel *k, const struct dp_addr *local)
{
	const struct config *config = k->conf.config;

	for (uint32_t i = 0; i < config->tunnel_count; i++) {
		uint32_t profile = config->tunnels[i].profile;

		if (profile != 0 &&
		    config->protections[profile - 1].ike.source == CONFIG_IKE_REDIRECT &&
		    dp_addr_equal(&config->tunnels[i].source, local))
			return profile;
	}
	return 0;
}

/* 0: none of the two is ours. */
static uint32_t direction_find(const struct xfrm_kernel *k,
			       const struct xfrm_sa *sa,
			       enum dp_sa_dir *dir)
{
	uint32_t profile = profile_find(k, &sa->dst);

	*dir = DP_SA_IN;
	if (profile != 0)
		return profile;
	*dir = DP_SA_OUT;
	return profile_find(k, &sa->src);
}

/* By what names it to the kernel; 0: not there, or not the daemon's. */
static uint32_t handle_find(const struct xfrm_kernel *k,
			    const struct dp_addr *dst,
			    const struct dp_addr *src,
			    uint32_t spi)
{
	uint32_t sa = dp_sa_find(DP_SA_IN, dst, NULL, spi);

	if (sa == 0 && dp_addr_is_set(src))
		sa = dp_sa_find(DP_SA_OUT, src, dst, spi);
	return sa != 0 && k->notes[sa].used ? sa : 0;
}

/* ---- larval SPIs ---- */

static struct larval *larval_slot(struct xfrm_kernel *k, uint32_t spi)
{
	return &k->larvals[spi % LARVAL_MAX];
}

static void larval_drop(struct xfrm_kernel *k, const struct dp_addr *dst, uint32_t spi)
{
	struct larval *l = larval_slot(k, spi);

	if (l->spi == spi && dp_addr_equal(&l->dst, dst))
		l->spi = 0;
}

static bool larval_take(struct xfrm_kernel *k, const struct dp_addr *dst, uint32_t spi)
{
	struct larval *l = larval_slot(k, spi);
	uint64_t now = clock_ms(CLOCK_MONOTONIC);

	if ((l->spi != 0 && now < l->expires_ms) || dp_sa_find(DP_SA_IN, dst, NULL, spi) != 0)
		return false;
	*l = (struct larval){.dst = *dst, .spi = spi, .expires_ms = now + LARVAL_MS};
	return true;
}

static int spi_alloc(struct xfrm_kernel *k, const struct xfrm_spi_range *range, uint32_t *spi)
{
	uint64_t width = (uint64_t)range->max - range->min + 1;
	uint32_t random;

	if (range->min <= 255)
		return -EINVAL; /* RFC 4303 section 2.1: reserved */
	for (int i = 0; i < SPI_ATTEMPTS; i++) {
		if (getrandom(&random, sizeof(random), 0) != sizeof(random))
			return -EAGAIN;
		*spi = (uint32_t)(range->min + random % width);
		if (larval_take(k, &range->dst, *spi))
			return 0;
	}
	k->info.spis_full++;
	return -ENOENT;
}

/* ---- requests ---- */

static size_t allocspi(struct xfrm_kernel *k,
		       const uint8_t *bytes,
		       size_t len,
		       const struct xfrm_to *to,
		       uint8_t *reply)
{
	struct xfrm_sa_told told = {0};
	struct xfrm_spi_range range;
	int rc = xfrm_spi_range_parse(bytes, len, &range);

	if (rc == 0 && range.proto != IPPROTO_ESP)
		rc = -EPROTONOSUPPORT;
	if (rc == 0)
		rc = spi_alloc(k, &range, &told.spi);
	if (rc < 0) {
		k->info.refused++;
		return xfrm_reply_ack(reply, bytes, rc);
	}
	told.src = range.src;
	told.dst = range.dst;
	told.reqid = range.reqid;
	return xfrm_reply_sa(reply, to, &told);
}

static void refused_log(const struct xfrm_sa *sa, const char *field, const char *why)
{
	char src[DP_ADDR_STRLEN], dst[DP_ADDR_STRLEN];

	log_peer("SA %s to %s SPI 0x%08x refused: %s: %s", dp_addr_format(&sa->src, src),
		 dp_addr_format(&sa->dst, dst), sa->spi, field, why);
}

static int sa_take(struct xfrm_kernel *k, const struct xfrm_sa *sa)
{
	enum xfrm_fault reason = xfrm_sa_check(sa);
	struct sa_fault fault = {.field = "sa"};
	struct dp_sa_conf conf;
	enum dp_sa_dir dir;
	uint32_t handle, profile;
	int rc;

	if (reason != XFRM_FAULT_NONE) {
		refused_log(sa, xfrm_fault_name(reason),
			    reason == XFRM_FAULT_ALGORITHM ? sa->alg_text : "not served");
		return -EPROTONOSUPPORT;
	}
	profile = direction_find(k, sa, &dir);
	if (profile == 0) {
		refused_log(sa, "address", "not the source of a tunnel with ike.source: redirect");
		return -EADDRNOTAVAIL;
	}
	xfrm_sa_conf(sa, dir, &conf);
	conf.profile = profile;
	conf.replay_window = UINT16_MAX; /* the profile's: the daemon's default is 32 */
	rc = sa_store_add(k->conf.sas, &conf, &handle, &fault);
	explicit_bzero(&conf, sizeof(conf));
	if (rc < 0) {
		refused_log(sa, fault.field, fault.allowed);
		return rc;
	}
	if (!k->notes[handle].used)
		k->info.sas++;
	k->notes[handle] = (struct note){.used = true, .reqid = sa->reqid};
	larval_drop(k, &sa->dst, sa->spi);
	return 0;
}

static int sa_request(struct xfrm_kernel *k, const uint8_t *bytes, size_t len)
{
	struct xfrm_sa sa;
	int rc = xfrm_sa_parse(bytes, len, &sa);

	if (rc == 0)
		rc = sa.larval ? -EINVAL : sa_take(k, &sa);
	xfrm_sa_wipe(&sa);
	return rc;
}

static int sa_drop(struct xfrm_kernel *k, uint32_t sa)
{
	int rc = sa_store_del(k->conf.sas, sa);

	if (rc < 0)
		return rc;
	k->notes[sa].used = false;
	k->info.sas--;
	return 0;
}

static int delsa(struct xfrm_kernel *k, const uint8_t *bytes, size_t len)
{
	struct xfrm_sa_id id;
	uint32_t sa;
	int rc = xfrm_sa_id_parse(bytes, len, &id);

	if (rc < 0)
		return rc;
	larval_drop(k, &id.dst, id.spi);
	sa = handle_find(k, &id.dst, &id.src, id.spi);
	return sa == 0 ? -ESRCH : sa_drop(k, sa);
}

static int flushsa(struct xfrm_kernel *k)
{
	int rc = 0;

	for (uint32_t sa = 1; sa <= k->conf.config->dataplane.limits.sas; sa++)
		if (k->notes[sa].used && sa_drop(k, sa) < 0)
			rc = -EAGAIN;
	return rc;
}

static int told_get(const struct xfrm_kernel *k, uint32_t sa, struct xfrm_sa_told *told)
{
	uint64_t now = clock_ms(CLOCK_REALTIME);
	struct dp_sa_info info;

	if (dp_sa_info_get(sa, &info) < 0)
		return -ESRCH;
	*told = (struct xfrm_sa_told){
		.src = info.dir == DP_SA_IN ? info.remote : info.local,
		.dst = info.dir == DP_SA_IN ? info.local : info.remote,
		.spi = info.spi,
		.reqid = k->notes[sa].reqid,
		.esn = info.esn,
		.replay_window = (uint8_t)(info.replay_window > 255 ? 255 : info.replay_window),
		.bytes = info.bytes,
		.pkts = info.pkts,
		.added = (now - info.age_ms) / 1000,
		.used = info.idle_ms == UINT64_MAX ? 0 : (now - info.idle_ms) / 1000,
	};
	return 0;
}

static size_t getsa(struct xfrm_kernel *k,
		    const uint8_t *bytes,
		    size_t len,
		    const struct xfrm_to *to,
		    uint8_t *reply)
{
	struct xfrm_sa_told told;
	struct xfrm_sa_id id;
	uint32_t sa;
	int rc = xfrm_sa_id_parse(bytes, len, &id);

	if (rc == 0) {
		sa = handle_find(k, &id.dst, &id.src, id.spi);
		rc = sa == 0 ? -ESRCH : told_get(k, sa, &told);
	}
	if (rc < 0)
		return xfrm_reply_ack(reply, bytes, rc);
	return xfrm_reply_sa(reply, to, &told);
}

/* Used when an SA between the two was. O(SAs): the daemon asks when it looks for dead peers. */
static uint64_t policy_used(const struct xfrm_kernel *k,
			    const struct dp_addr *src,
			    const struct dp_addr *dst)
{
	uint64_t used = 0;
	struct xfrm_sa_told told;

	for (uint32_t sa = 1; sa <= k->conf.config->dataplane.limits.sas; sa++)
		if (k->notes[sa].used && told_get(k, sa, &told) == 0 &&
		    dp_addr_equal(&told.src, src) && dp_addr_equal(&told.dst, dst) &&
		    told.used > used)
			used = told.used;
	return used;
}

static size_t getpolicy(struct xfrm_kernel *k, const uint8_t *bytes, size_t len, uint8_t *reply)
{
	struct dp_addr src, dst;
	uint8_t dir;
	int n = xfrm_policy_parse(bytes, len, &src, &dst, &dir);

	if (n == 0)
		n = xfrm_reply_policy(reply, bytes, len, policy_used(k, &src, &dst));
	return n < 0 ? xfrm_reply_ack(reply, bytes, n) : (size_t)n;
}

static size_t ack(struct xfrm_kernel *k, const uint8_t *bytes, int rc, uint8_t *reply)
{
	if (rc < 0)
		k->info.refused++;
	return xfrm_reply_ack(reply, bytes, rc);
}

size_t xfrm_kernel_request(struct xfrm_kernel *k, const uint8_t *bytes, size_t len, uint8_t *reply)
{
	struct xfrm_to to;
	uint16_t type, flags;

	k->info.requests++;
	if (xfrm_request_header(bytes, len, &type, &flags, &to) < 0) {
		k->info.unknown++;
		return 0;
	}
	if ((flags & NLM_F_DUMP) == NLM_F_DUMP && type != XFRM_MSG_NEWSA)
		return ack(k, bytes, -EOPNOTSUPP, reply);
	switch (type) {
	case XFRM_MSG_ALLOCSPI:
		return allocspi(k, bytes, len, &to, reply);
	case XFRM_MSG_NEWSA:
	case XFRM_MSG_UPDSA:
		return ack(k, bytes, sa_request(k, bytes, len), reply);
	case XFRM_MSG_DELSA:
		return ack(k, bytes, delsa(k, bytes, len), reply);
	case XFRM_MSG_FLUSHSA:
		return ack(k, bytes, flushsa(k), reply);
	case XFRM_MSG_GETSA:
		return getsa(k, bytes, len, &to, reply);
	case XFRM_MSG_GETPOLICY:
		return getpolicy(k, bytes, len, reply);
	case XFRM_MSG_GETSPDINFO:
		return xfrm_reply_spdinfo(reply, &to);
	case XFRM_MSG_GETSADINFO:
		return xfrm_reply_sadinfo(reply, &to, k->info.sas);
	case XFRM_MSG_NEWPOLICY:
	case XFRM_MSG_UPDPOLICY:
	case XFRM_MSG_DELPOLICY:
	case XFRM_MSG_FLUSHPOLICY:
	case XFRM_MSG_NEWSPDINFO:
		return ack(k, bytes, 0, reply);
	}
	k->info.unknown++;
	return ack(k, bytes, -EOPNOTSUPP, reply);
}

/* ---- news ---- */

static void expire_tell(struct xfrm_kernel *k, uint32_t sa, bool hard)
{
	uint8_t message[XFRM_REPLY_MAX];
	struct xfrm_sa_told told;

	if (told_get(k, sa, &told) < 0)
		return;
	k->conf.tell(k->conf.ctx, XFRM_GROUP_EXPIRE, message,
		     xfrm_tell_expire(message, &told, hard));
	if (hard)
		sa_drop(k, sa);
}

static void mapping_tell(struct xfrm_kernel *k, const struct dp_sa_event *e)
{
	uint8_t message[XFRM_REPLY_MAX];
	struct xfrm_sa_told told;
	struct dp_sa_info info;

	if (told_get(k, e->sa, &told) < 0 || dp_sa_info_get(e->sa, &info) < 0)
		return;
	k->conf.tell(k->conf.ctx, XFRM_GROUP_MAPPING, message,
		     xfrm_tell_mapping(message, &told, info.natt_port, &e->remote, e->natt_port));
}

void xfrm_kernel_event(struct xfrm_kernel *k, const struct dp_sa_event *e)
{
	uint8_t message[XFRM_REPLY_MAX];

	if (e->kind == DP_SA_WANTED) {
		if (profile_find(k, &e->local) != 0)
			k->conf.tell(k->conf.ctx, XFRM_GROUP_ACQUIRE, message,
				     xfrm_tell_acquire(message, &e->local, &e->remote, 0,
						       ++k->acquire_seq));
		return;
	}
	if (!k->notes[e->sa].used)
		return;
	if (e->kind == DP_SA_SOFT || e->kind == DP_SA_HARD)
		expire_tell(k, e->sa, e->kind == DP_SA_HARD);
	else if (e->kind == DP_SA_MOVED)
		mapping_tell(k, e);
}

/* ---- start and stop ---- */

int xfrm_kernel_new(const struct xfrm_kernel_conf *conf, struct xfrm_kernel **k)
{
	struct xfrm_kernel *n = calloc(1, sizeof(*n));

	if (n != NULL)
		n->notes = calloc(conf->config->dataplane.limits.sas + 1, sizeof(*n->notes));
	if (n == NULL || n->notes == NULL) {
		free(n);
		return -ENOMEM;
	}
	n->conf = *conf;
	*k = n;
	return 0;
}

void xfrm_kernel_free(struct xfrm_kernel *k)
{
	if (k == NULL)
		return;
	free(k->notes);
	free(k);
}

void xfrm_kernel_info_get(const struct xfrm_kernel *k, struct xfrm_kernel_info *info)
{
	*info = k->info;
}
