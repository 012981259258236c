/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sa_info: what is told of SAs, never with keys; and the set of the kernel's SPIs. What a home
 * worker counts is read as it goes by: a snapshot may be a burst old. Thread: control core.
 */
#include <errno.h>
#include <inttypes.h>

#include <rte_cycles.h>
#include <rte_ip.h>

#include "dp_priv.h"
#include "esp_size.h"
#include "peer.h"
#include "replay.h"

struct table *foreign_table;
static uint32_t foreign_count, foreign_max;

/* Bit n: seq - n was seen. */
static void bitmap_tell(const struct sa *sa, uint64_t top, struct dp_sa_info *info)
{
	for (uint32_t n = 0; n < info->replay_window && n <= top; n++) {
		uint64_t seq = top - n;
		uint64_t word = sa->bitmap[seq / REPLAY_WORD_BITS & sa_ring_mask(sa)];

		if (word >> seq % REPLAY_WORD_BITS & 1)
			info->replay_bitmap[n / 64] |= 1ULL << n % 64;
	}
}

static uint64_t ms_since(uint64_t tsc)
{
	uint64_t now = rte_rdtsc();

	return now > tsc ? (now - tsc) / (rte_get_tsc_hz() / 1000) : 0;
}

/* The counter of its units comes round after some months. */
static uint64_t idle_ms(const struct sa *sa)
{
	uint32_t now = (uint32_t)(rte_rdtsc() >> SA_LAST_SHIFT);

	if (sa->last == 0)
		return UINT64_MAX;
	return ((uint64_t)(now - sa->last) << SA_LAST_SHIFT) / (rte_get_tsc_hz() / 1000);
}

static void tell_dir(uint32_t index, const struct sa *sa, struct dp_sa_info *info)
{
	const struct peer *p = &peers[sa_ctls[index].peer];

	if (info->dir == DP_SA_OUT) {
		info->bound = sa->bound;
		info->sender = peer_sender(p, sa->profile) == index;
		return;
	}
	info->replay_window = (uint16_t)(sa->window32 * SA_WINDOW_UNIT);
	info->bad_icv = sa->bad_icv;
	info->replayed = sa->replayed;
	bitmap_tell(sa, info->seq, info);
}

int dp_sa_info_get(uint32_t index, struct dp_sa_info *info)
{
	const struct sa *sa = &sas[index];
	uint8_t outer = sizeof(struct rte_ipv4_hdr);

	if (!sa_is_live(index))
		return dp_error_set(-ENOENT, "SA %u: no such SA", index);
	if (sa->natt_port != 0)
		outer += ESP_UDP_BYTES;
	*info = (struct dp_sa_info){
		.dir = sa_is_out(index) ? DP_SA_OUT : DP_SA_IN,
		.alg = (enum dp_sa_alg)sa->alg,
		.state = sa_ctls[index].expired || (sa->flags & SA_F_STOP) ? DP_SA_EXPIRED
									   : DP_SA_LIVE,
		.local = dp_addr_ip4(sa->local_be),
		.remote = dp_addr_ip4(sa->remote_be),
		.natt_port = sa->natt_port,
		.natt_local_port = sa->natt_local_port,
		.spi = rte_be_to_cpu_32(sa->spi_be),
		.profile = sa->profile,
		.identity = sa->identity,
		.esn = (sa->flags & SA_F_ESN) != 0,
		.overhead = esp_overhead_max(dp_sa_alg_info(sa->alg), outer),
		.home = sa->home,
		.seq = sa->seq,
		.pkts = sa->pkts,
		.bytes = sa->bytes,
		.age_ms = ms_since(sa_ctls[index].born_tsc),
		.idle_ms = idle_ms(sa),
	};
	tell_dir(index, sa, info);
	return 0;
}

unsigned dp_sa_list(uint32_t *cursor, uint32_t *list, unsigned max)
{
	unsigned n = 0;
	uint32_t i = *cursor + 1;

	for (; i <= sa_max && n < max; i++)
		if (sa_is_live(i))
			list[n++] = i;
	*cursor = i - 1;
	return n;
}

/* ---- SPIs of the kernel's own SAs ---- */

int sa_foreign_init(const struct dp_conf *conf)
{
	foreign_count = 0;
	foreign_max = conf->limits.sas;
	foreign_table = table_create("foreign SPIs", foreign_max);
	return foreign_table == NULL ? -ENOMEM : 0;
}

void sa_foreign_fini(void)
{
	table_free(foreign_table);
	foreign_table = NULL;
}

int dp_sa_foreign_add(const struct dp_addr *local, uint32_t spi)
{
	struct table_key key = sa_key(local->ip4_be, rte_cpu_to_be_32(spi));

	if (local->family != AF_INET)
		return dp_error_set(-EINVAL, "foreign SPI %#x: only IPv4", spi);
	if (table_get(foreign_table, &key) != 0)
		return 0;
	if (foreign_count >= foreign_max)
		return dp_error_set(-ENOSPC,
				    "foreign SPI %#x: all %u are in use (dataplane.limits.sas)",
				    spi, foreign_max);
	if (table_set(foreign_table, &key, 1) < 0)
		return dp_error_set(-ENOSPC, "foreign SPIs: old entries wait for a grace period");
	foreign_count++;
	return 0;
}

int dp_sa_foreign_del(const struct dp_addr *local, uint32_t spi)
{
	struct table_key key = sa_key(local->ip4_be, rte_cpu_to_be_32(spi));

	if (table_del(foreign_table, &key) < 0)
		return dp_error_set(-ENOENT, "foreign SPI %#x: no such SPI", spi);
	foreign_count--;
	return 0;
}
