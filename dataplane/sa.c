/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sa: security associations, see dp_sa.h and sa.h.
 *
 * An SA is filled in a slot that nobody sees (sa_slot.c), then published: inbound in sa_table and
 * the hints, outbound in the adjacencies of its peer's spokes (peer.c). Taken out, it stays as it
 * is for a grace period; then its last number is remembered (sa_counter.c), keys are wiped, the
 * slot is free.
 *
 * Invariant 8: a key that is here already, or still was a moment ago, is handed on only when its SA
 * is out of sight and a grace period has passed: nobody counts on any more, the last number is
 * known. That is the one place that waits, for one turn of the workers.
 *
 * Writer: control core; what a home worker writes is named in sa.h. RFC 4301, RFC 4303. Not done:
 * IPv6, tunnel mode.
 */
#include <errno.h>

#include "defer.h"
#include "esp_size.h"
#include "peer.h"

#define GRACE_MS 100

static uint32_t live_count;
static LIST_HEAD(, sa_ctl) waiting = LIST_HEAD_INITIALIZER(waiting); /* sa_free comes later */

static struct table_key conf_key(const struct dp_sa_conf *conf)
{
	rte_be32_t spi_be = rte_cpu_to_be_32(conf->spi);

	return conf->dir == DP_SA_IN ? sa_key(conf->local.ip4_be, spi_be)
				     : sa_out_key(conf->local.ip4_be, conf->remote.ip4_be, spi_be);
}

uint32_t dp_sa_find(enum dp_sa_dir dir,
		    const struct dp_addr *local,
		    const struct dp_addr *remote,
		    uint32_t spi)
{
	struct dp_sa_conf conf = {.dir = dir, .local = *local, .spi = spi};
	struct table_key key;

	if (dir == DP_SA_OUT)
		conf.remote = *remote;
	key = conf_key(&conf);
	return table_get(dir == DP_SA_IN ? sa_table : sa_out_table, &key);
}

/* ---- out of sight ---- */

static void sa_free(uint32_t index)
{
	struct sa_ctl *c = &sa_ctls[index];

	if (handover_is_pending(index)) {
		LIST_INSERT_HEAD(&waiting, c, of_in);
		return;
	}
	if (sa_is_out(index))
		sa_counter_give(&c->print, index, sas[index].seq);
	memset(c, 0, sizeof(*c));
	sa_slot_put(index);
}

void sa_poll(void)
{
	struct sa_ctl *c = LIST_FIRST(&waiting), *next;

	for (; c != NULL; c = next) {
		next = LIST_NEXT(c, of_in);
		if (handover_is_pending(sa_index(c)))
			continue;
		LIST_REMOVE(c, of_in);
		sa_free(sa_index(c));
	}
}

static void in_unpublish(uint32_t index)
{
	struct table_key key = sa_key(sas[index].local_be, sas[index].spi_be);
	uint32_t *hint = sa_hint(sas[index].spi_be);

	if (table_get(sa_table, &key) == index)
		table_del(sa_table, &key);
	if (*hint == index)
		__atomic_store_n(hint, 0, __ATOMIC_RELAXED);
}

static bool room(const struct sa_ctl *c)
{
	return defer_room(2) && (!sa_is_out(sa_index(c)) || peer_room(&peers[c->peer]));
}

/* Workers do not find it any more when they come round; it is freed then. Room is there. */
static void sa_remove(uint32_t index)
{
	struct sa_ctl *c = &sa_ctls[index];
	struct peer *p = &peers[c->peer];
	struct table_key key =
		sa_out_key(sas[index].local_be, sas[index].remote_be, sas[index].spi_be);

	c->live = false;
	live_count--;
	if (sa_is_out(index)) {
		TAILQ_REMOVE(&p->out, c, of_out);
		if (table_get(sa_out_table, &key) == index)
			table_del(sa_out_table, &key);
		peer_refresh(p);
	} else {
		LIST_REMOVE(c, of_in);
		in_unpublish(index);
	}
	peer_put(c->peer);
	defer_free(sa_free, index);
}

int dp_sa_del(uint32_t sa)
{
	if (!sa_is_live(sa))
		return dp_error_set(-ENOENT, "SA %u: no such SA", sa);
	if (!room(&sa_ctls[sa]))
		return dp_error_set(-EAGAIN, "SA %#x: a worker is stuck",
				    rte_be_to_cpu_32(sas[sa].spi_be));
	sa_remove(sa);
	return 0;
}

void sa_expire(uint32_t index)
{
	struct sa_ctl *c = &sa_ctls[index];

	if (c->expired)
		return;
	c->expired = true;
	if (sa_is_out(index))
		peer_refresh(&peers[c->peer]);
	else
		in_unpublish(index);
}

/* ---- in sight ---- */

/*
 * The key of `from`, an SA that lives or did a moment ago, goes to another one: out of sight with
 * it, and when the workers have come round its number stands still.
 */
static int key_inherit(const struct dp_sa_conf *conf, uint32_t from, uint64_t *seq)
{
	if (sa_ctls[from].live) {
		if (!room(&sa_ctls[from]))
			return dp_error_set(-EAGAIN, "SA %#x: a worker is stuck", conf->spi);
		sa_remove(from);
	}
	if (defer_wait(defer_token(), GRACE_MS) < 0)
		return dp_error_set(-EAGAIN,
				    "SA %#x: a worker is stuck (%u ms), the key is still in use",
				    conf->spi, GRACE_MS);
	*seq = RTE_MAX(*seq, sas[from].seq);
	return 0;
}

/* The last number used with this key, and nobody uses it any more. */
static int seq_settle(const struct dp_sa_conf *conf,
		      const struct sa_print *print,
		      uint32_t old,
		      uint64_t *seq)
{
	uint64_t known = 0;
	uint32_t holder = 0;

	if (conf->dir == DP_SA_OUT)
		holder = sa_counter_find(print, &known);
	else if (old != 0 && sa_print_equal(&sa_ctls[old].print, print))
		holder = old;
	*seq = RTE_MAX(conf->seq, known);
	return holder == 0 ? 0 : key_inherit(conf, holder, seq);
}

static void out_publish(uint32_t index)
{
	struct peer *p = &peers[sa_ctls[index].peer];

	TAILQ_INSERT_HEAD(&p->out, &sa_ctls[index], of_out);
	sa_counter_take(&sa_ctls[index].print, index);
	peer_refresh(p);
}

static void in_publish(uint32_t index)
{
	struct peer *p = &peers[sa_ctls[index].peer];

	LIST_INSERT_HEAD(&p->in, &sa_ctls[index], of_in);
	__atomic_store_n(sa_hint(sas[index].spi_be), index, __ATOMIC_RELEASE);
}

/* Its number, then everything that makes it usable; `old` goes. */
static int sa_publish(uint32_t index, const struct dp_sa_conf *conf, uint32_t old, uint64_t seq)
{
	struct table_key key = conf_key(conf);
	bool out = conf->dir == DP_SA_OUT;
	struct sa *sa = &sas[index];

	if (!room(&sa_ctls[index]) || (old != 0 && !room(&sa_ctls[old])))
		return dp_error_set(-EAGAIN, "SA %#x: a worker is stuck", conf->spi);
	sa->seq = seq;
	if (out) {
		sa->bound = sa_bound_cut(sa, conf->bound);
	} else if (sa_slot_window(sa, conf->replay_window, seq) < 0) {
		sa->flags |= SA_F_OUT;
		return dp_error_set(-ENOMEM, "SA %#x: no memory for its window", conf->spi);
	}
	if (table_set(out ? sa_out_table : sa_table, &key, index) < 0)
		return dp_error_set(-EAGAIN, "SA %#x: old entries wait for a grace period",
				    conf->spi);
	sa_ctls[index].live = true;
	live_count++;
	if (out)
		out_publish(index);
	else
		in_publish(index);
	if (old != 0)
		sa_remove(old);
	return 0;
}

/* Nothing differs but what may be changed while it is used. */
static bool is_same(uint32_t index, const struct dp_sa_conf *conf, const struct sa_print *print)
{
	const struct sa *sa = &sas[index];
	uint16_t local_port = conf->natt_port != 0 && conf->natt_local_port == 0
				      ? ESP_UDP_PORT
				      : conf->natt_local_port;
	uint8_t window32 = (uint8_t)((conf->replay_window + SA_WINDOW_UNIT - 1) / SA_WINDOW_UNIT);

	return sa_print_equal(&sa_ctls[index].print, print) && sa->alg == conf->alg &&
	       conf->esn == ((sa->flags & SA_F_ESN) != 0) && !(sa->flags & SA_F_STOP) &&
	       !sa_ctls[index].expired && sa->remote_be == conf->remote.ip4_be &&
	       sa->natt_port == conf->natt_port && sa->natt_local_port == local_port &&
	       conf->seq <= sa->seq && (conf->dir == DP_SA_OUT || sa->window32 == window32);
}

int dp_sa_add(const struct dp_sa_conf *conf, uint32_t *sa)
{
	struct sa_print print;
	uint32_t old, index;
	uint64_t seq;
	int rc = sa_conf_check(conf);

	if (rc < 0)
		return rc;
	sa_print_make(&print, conf);
	old = dp_sa_find(conf->dir, &conf->local, &conf->remote, conf->spi);
	if (old != 0 && is_same(old, conf, &print)) {
		sa_slot_update(old, conf);
		if (conf->dir == DP_SA_OUT)
			dp_sa_bound_set(old, conf->bound);
		peer_refresh(&peers[sa_ctls[old].peer]);
		*sa = old;
		return 0;
	}
	rc = sa_slot_create(conf, &print, &index);
	if (rc < 0)
		return rc;
	rc = seq_settle(conf, &print, old, &seq);
	old = dp_sa_find(conf->dir, &conf->local, &conf->remote, conf->spi);
	if (rc == 0)
		rc = sa_publish(index, conf, old, seq);
	if (rc < 0)
		sa_slot_discard(index);
	else
		*sa = index;
	return rc;
}

int dp_sa_bound_set(uint32_t sa, uint64_t bound)
{
	struct sa *s = &sas[sa];
	bool had_none;

	if (!sa_is_live(sa) || !sa_is_out(sa))
		return dp_error_set(-ENOENT, "SA %u: no such outbound SA", sa);
	bound = sa_bound_cut(s, bound);
	if (bound <= s->bound)
		return 0;
	had_none = s->seq >= s->bound;
	__atomic_store_n(&s->bound, bound, __ATOMIC_RELEASE);
	if (had_none)
		peer_refresh(&peers[sa_ctls[sa].peer]);
	return 0;
}

uint32_t dp_sa_count(void)
{
	return live_count;
}
