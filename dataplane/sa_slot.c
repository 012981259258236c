/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sa_slot: the memory of SAs, and a slot on its way from taken to filled and from used to wiped.
 *
 * Keys are expanded into the slot and nowhere else. All slots are locked into memory and left out
 * of core dumps; a slot is wiped before it is free. Thread: control core. RFC 4303 section 3.3.3.
 */
#include <errno.h>
#include <sys/mman.h>

#include <rte_cycles.h>
#include <rte_malloc.h>
#include <rte_memory.h>

#include "defer.h"
#include "esp_size.h"
#include "peer.h"
#include "pool.h"
#include "replay.h"

#define PAGE_BYTES 4096

struct sa *sas;
struct table *sa_table;
struct table *sa_out_table;
uint32_t *sa_hints;
struct sa_ctl *sa_ctls;
uint32_t sa_max;

static struct index_pool ids;
static struct crypto *crypto; /* of the control core: key expansion */
static uint32_t serial;
static bool locked;

/* What is beside it in its first and last page is locked and left out, too: that does no harm. */
static void memory_lock(void *p, size_t bytes)
{
	const struct rte_memseg_list *list = rte_mem_virt2memseg_list(p);
	size_t page = list != NULL && list->page_sz > PAGE_BYTES ? list->page_sz : PAGE_BYTES;
	uintptr_t from = (uintptr_t)p & ~(page - 1);
	uintptr_t to = ((uintptr_t)p + bytes + page - 1) & ~(page - 1);

	locked = mlock((void *)from, to - from) == 0;
	locked &= madvise((void *)from, to - from, MADV_DONTDUMP) == 0;
}

bool sa_memory_is_locked(void)
{
	return locked;
}

int sa_init(const struct dp_conf *conf)
{
	size_t bytes = ((size_t)conf->limits.sas + 1) * sizeof(*sas);

	sa_max = conf->limits.sas;
	serial = 0;
	crypto = crypto_create();
	if (crypto == NULL)
		return dp_error_set(-ENOTSUP,
				    "ESP: this CPU has no AES instructions, or no memory");
	sas = rte_zmalloc("SAs", bytes, PAGE_BYTES);
	sa_hints = rte_zmalloc("SA hints", SA_HINTS * sizeof(*sa_hints), RTE_CACHE_LINE_SIZE);
	sa_ctls = calloc((size_t)sa_max + 1, sizeof(*sa_ctls));
	sa_table = table_create("SAs in", sa_max);
	sa_out_table = table_create("SAs out", sa_max);
	if (sas == NULL || sa_hints == NULL || sa_ctls == NULL || sa_table == NULL ||
	    sa_out_table == NULL || index_pool_init(&ids, LIVE_SA, sa_max) < 0 ||
	    sa_counter_init(sa_max) < 0)
		return -ENOMEM;
	memory_lock(sas, bytes);
	return 0;
}

static void slot_wipe(uint32_t index)
{
	struct sa *sa = &sas[index];

	if (!(sa->flags & SA_F_OUT) && sa->bitmap != sa->bitmap_inline)
		free(sa->bitmap);
	crypto_wipe(sa, sizeof(*sa));
}

void sa_slot_put(uint32_t index)
{
	slot_wipe(index);
	live_poison(&sas[index], sizeof(sas[index]));
	index_pool_put(&ids, index);
}

void sa_fini(void)
{
	live_unpoison(sas, ((size_t)sa_max + 1) * sizeof(*sas));
	for (uint32_t i = 1; sa_ctls != NULL && i <= sa_max; i++)
		if (sa_ctls[i].live)
			slot_wipe(i);
	sa_counter_fini();
	table_free(sa_table);
	table_free(sa_out_table);
	rte_free(sas);
	rte_free(sa_hints);
	free(sa_ctls);
	index_pool_fini(&ids);
	crypto_destroy(crypto);
	sa_table = sa_out_table = NULL;
	sas = NULL;
	sa_hints = NULL;
	sa_ctls = NULL;
	crypto = NULL;
}

size_t sa_window_bytes(uint32_t words)
{
	return words <= SA_INLINE_WORDS ? 0 : words * sizeof(uint64_t);
}

uint64_t sa_bound_cut(const struct sa *sa, uint64_t bound)
{
	return (sa->flags & SA_F_ESN) ? bound : RTE_MIN(bound, (uint64_t)UINT32_MAX);
}

int sa_slot_window(struct sa *sa, uint16_t window, uint64_t seq)
{
	uint32_t words = RTE_MAX(replay_words(window), (uint32_t)SA_INLINE_WORDS);

	sa->window32 = (uint8_t)((window + SA_WINDOW_UNIT - 1) / SA_WINDOW_UNIT);
	sa->bitmap_mask = words - 1;
	sa->bitmap = sa->bitmap_inline;
	if (sa_window_bytes(words) != 0)
		sa->bitmap = aligned_alloc(RTE_CACHE_LINE_SIZE, sa_window_bytes(words));
	if (sa->bitmap == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < words; i++)
		sa->bitmap[i] = UINT64_MAX;
	sa->bitmap[seq / REPLAY_WORD_BITS & sa->bitmap_mask] =
		UINT64_MAX >> (REPLAY_WORD_BITS - 1 - seq % REPLAY_WORD_BITS);
	return 0;
}

void sa_slot_remote_set(struct sa *sa, rte_be32_t remote_be, uint16_t port, uint16_t local_port)
{
	const uint64_t unit = remote_be | (uint64_t)port << 32 | (uint64_t)local_port << 48;

	_Static_assert(offsetof(struct sa, remote_be) % 8 == 0 &&
			       offsetof(struct sa, natt_port) == offsetof(struct sa, remote_be) + 4,
		       "one store");
	__atomic_store_n((uint64_t *)(void *)&sa->remote_be, unit, __ATOMIC_RELAXED);
	__atomic_store_n(&sa->peer_be, remote_be, __ATOMIC_RELAXED);
}

void sa_slot_update(uint32_t index, const struct dp_sa_conf *conf)
{
	struct sa_ctl *c = &sa_ctls[index];
	struct sa *sa = &sas[index];

	sa_limits_fill(sa, &conf->limits);
	c->soft_s = conf->limits.soft_s;
	c->hard_s = conf->limits.hard_s;
	c->soft_told = false;
	sa->profile = (uint8_t)conf->profile;
	sa->identity = conf->identity;
}

static int sa_fill(uint32_t index, const struct dp_sa_conf *conf)
{
	const struct dp_sa_alg_info *alg = dp_sa_alg_info(conf->alg);
	struct sa *sa = &sas[index];
	int rc;

	live_unpoison(sa, sizeof(*sa));
	*sa = (struct sa){
		.spi_be = rte_cpu_to_be_32(conf->spi),
		.alg = conf->alg & 0xf,
		.local_be = conf->local.ip4_be,
		.serial = ++serial,
		.home = peers[sa_ctls[index].peer].home,
	};
	if (conf->esn)
		sa->flags |= SA_F_ESN;
	if (conf->natt_port != 0)
		sa->flags |= SA_F_NATT;
	if (conf->dir == DP_SA_OUT)
		sa->flags |= SA_F_OUT;
	sa_slot_remote_set(sa, conf->remote.ip4_be, conf->natt_port,
			   conf->natt_port != 0 && conf->natt_local_port == 0
				   ? ESP_UDP_PORT
				   : conf->natt_local_port);
	sa_slot_update(index, conf);
	if (alg->auth_key_bytes == 0) /* a counter mode: RFC 4106 section 4, RFC 7634 section 2 */
		memcpy(&sa->salt, conf->key + alg->key_bytes - sizeof(sa->salt), sizeof(sa->salt));
	rc = crypto_key_expand(crypto, conf->alg, conf->key, conf->auth_key, &sa->key);
	return rc < 0 ? dp_error_set(rc, "SA %#x: %s: not with this CPU", conf->spi, alg->name) : 0;
}

void sa_slot_discard(uint32_t index)
{
	uint32_t peer = sa_ctls[index].peer;

	sa_slot_put(index);
	if (peer != 0)
		peer_put(peer);
}

int sa_slot_create(const struct dp_sa_conf *conf, const struct sa_print *print, uint32_t *sa)
{
	uint32_t index = index_pool_get(&ids);
	int rc;

	if (index == 0) {
		defer_poll();
		index = index_pool_get(&ids);
	}
	if (index == 0)
		return dp_error_set(-ENOSPC, "SA %#x: all %u SAs are in use (dataplane.limits.sas)",
				    conf->spi, sa_max);
	live_unpoison(&sas[index], sizeof(sas[index]));
	memset(&sas[index], 0, sizeof(sas[index]));
	sa_ctls[index] = (struct sa_ctl){
		.print = *print,
		.peer = peer_get(conf->local.ip4_be, conf->remote.ip4_be, conf->natt_port),
		.born_tsc = rte_rdtsc(),
	};
	sas[index].flags = SA_F_OUT; /* no window yet */
	rc = sa_ctls[index].peer != 0
		     ? sa_fill(index, conf)
		     : dp_error_set(-EAGAIN, "SA %#x: peers: old entries wait for a grace period",
				    conf->spi);
	if (rc < 0) {
		sas[index].flags |= SA_F_OUT;
		sa_slot_discard(index);
		return rc;
	}
	*sa = index;
	return 0;
}
