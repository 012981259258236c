/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nhrp_purge_send: takes back what we said (RFC 2332 section 5.2.5). The cache tells which binding
 * has gone or moved; that is all that happens at once. Later, in slices of a turn of the control
 * loop, each requester of it becomes a job: sent, repeated after 1, 2, 4 and 8 s, given up 8 s
 * after that. Jobs are few: a requester waits in its table until one is free. Only the control
 * core calls.
 *
 * A job's number is the low bits of its request id, the rest is random: a reply finds its job at
 * once, and nobody who did not see the request can answer it but by chance.
 *
 * Not done: several targets of one requester in one packet; purges when a route behind a spoke
 * changes while its binding stays.
 */
#include "nhrp_purge.h"

#include <stdlib.h>
#include <sys/queue.h>
#include <sys/random.h>

#include "nhrp_priv.h"

#define JOBS     4096 /* a power of 2 */
#define TRIES    5
#define FIRST_MS 1000
#define LAST_MS  8000

struct job {
	struct nhrp_requester to;
	uint32_t request_id;
	uint8_t tries;
	struct deadline due; /* not set: free */
	LIST_ENTRY(job) free;
};

/* A binding that has gone or moved. */
struct todo {
	uint16_t tunnel;
	struct dp_addr binding;
};

struct nhrp_purges {
	struct nhrp_server *srv;
	struct job jobs[JOBS];
	LIST_HEAD(, job) free_jobs;
	struct deadline_heap due;
	struct todo *todo; /* ring of todo_capacity */
	uint32_t todo_capacity, todo_first, todo_count;
};

static void on_change(void *ctx, const struct nhrp_binding *b, enum nhrp_change what)
{
	struct nhrp_purges *u = ctx;
	uint32_t at = (u->todo_first + u->todo_count) % u->todo_capacity;

	if (what != NHRP_CHANGE_GONE && what != NHRP_CHANGE_MOVED)
		return;
	if (!nhrp_requesters_has(u->srv->requesters, b->tunnel, &b->protocol))
		return;
	if (u->todo_count == u->todo_capacity) {
		nhrp_note(u->srv, NHRP_NOTE_PURGE_LOST);
		return;
	}
	u->todo[at] = (struct todo){.tunnel = b->tunnel, .binding = b->protocol};
	u->todo_count++;
}

struct nhrp_purges *nhrp_purges_new(struct nhrp_server *srv, uint32_t capacity)
{
	struct nhrp_purges *u = calloc(1, sizeof(*u));
	const struct nhrp_cache_observer observer = {.ctx = u, .changed = on_change};

	if (!u)
		return NULL;
	u->srv = srv;
	u->todo_capacity = capacity;
	u->todo = calloc(capacity, sizeof(*u->todo));
	if (!u->todo || deadline_heap_init(&u->due, JOBS) < 0 ||
	    nhrp_cache_observe(srv->cache, &observer) < 0) {
		nhrp_purges_free(u);
		return NULL;
	}
	for (uint32_t i = JOBS; i > 0; i--)
		LIST_INSERT_HEAD(&u->free_jobs, &u->jobs[i - 1], free);
	return u;
}

void nhrp_purges_free(struct nhrp_purges *u)
{
	if (!u)
		return;
	deadline_heap_fini(&u->due);
	free(u->todo);
	free(u);
}

/* To where the requester is now; one that is not registered here: to where it asked from. */
static void destination(const struct nhrp_server *srv,
			const struct nhrp_requester *r,
			struct dp_addr *nbma,
			uint16_t *natt_port)
{
	const struct nhrp_binding *b =
		nhrp_cache_find(srv->cache, r->requester_tunnel, &r->requester_protocol);

	*nbma = b ? b->spoke->key.nbma : r->requester_nbma;
	*natt_port = b ? b->spoke->key.natt_port : r->requester_natt_port;
}

/* RFC 2332 section 5.2.5: ours, not the one that came; MTU, preference and holding time 0. */
static void request_send(struct nhrp_server *srv,
			 const struct nhrp_requester *r,
			 uint32_t request_id,
			 uint16_t flags)
{
	const struct nhrp_tunnel *t = nhrp_tunnel_of(srv, r->requester_tunnel);
	struct dp_addr nbma;
	struct nhrp_packet p;
	uint16_t natt_port;

	if (!t)
		return;
	nhrp_packet_init(&p, NHRP_TYPE_PURGE_REQUEST, t->conf.source.family,
			 r->requester_protocol.family);
	p.hop_count = NHRP_HOP_COUNT;
	p.flags = flags;
	p.request_id = request_id;
	p.src_nbma = t->conf.source;
	p.src_proto = nhrp_own_protocol(&t->conf, &r->requester_protocol);
	p.dst_proto = r->requester_protocol;
	p.cie_count = 1;
	p.cies[0] = (struct nhrp_cie){.prefix_len = r->target.len, .proto = r->target.addr};
	nhrp_ext_add(&p, NHRP_EXT_END, NHRP_EXT_F_COMPULSORY, NULL, 0);
	destination(srv, r, &nbma, &natt_port);
	nhrp_send(srv, r->requester_tunnel, &nbma, natt_port, &p);
}

static void job_end(struct nhrp_purges *u, struct job *j)
{
	deadline_clear(&u->due, &j->due);
	LIST_INSERT_HEAD(&u->free_jobs, j, free);
}

/* Nobody is left on the tunnel: it was taken away. */
static bool job_orphan(const struct nhrp_purges *u, const struct job *j)
{
	return nhrp_tunnel_of(u->srv, j->to.requester_tunnel) == NULL;
}

static void job_try(struct nhrp_purges *u, struct job *j, uint64_t now_ms)
{
	uint64_t wait_ms = FIRST_MS << j->tries;

	if (j->tries == TRIES || job_orphan(u, j)) {
		nhrp_note(u->srv, NHRP_NOTE_PURGE_GIVEN_UP);
		job_end(u, j);
		return;
	}
	if (j->tries > 0)
		nhrp_note(u->srv, NHRP_NOTE_PURGE_RETRIED);
	j->tries++;
	deadline_set(&u->due, &j->due, now_ms + (wait_ms < LAST_MS ? wait_ms : LAST_MS));
	request_send(u->srv, &j->to, j->request_id, 0);
}

static uint32_t request_id_new(const struct nhrp_purges *u, const struct job *j)
{
	uint32_t random = 0;

	(void)!getrandom(&random, sizeof(random), 0);
	return (random & ~(uint32_t)(JOBS - 1)) | (uint32_t)(j - u->jobs);
}

/* One requester of the oldest binding; the binding is done with when it has none. */
static void todo_step(struct nhrp_purges *u, uint64_t now_ms)
{
	const struct todo *todo = &u->todo[u->todo_first];
	struct job *j = LIST_FIRST(&u->free_jobs);

	if (!nhrp_requesters_take(u->srv->requesters, todo->tunnel, &todo->binding, &j->to)) {
		u->todo_first = (u->todo_first + 1) % u->todo_capacity;
		u->todo_count--;
		return;
	}
	LIST_REMOVE(j, free);
	j->tries = 0;
	j->request_id = request_id_new(u, j);
	job_try(u, j, now_ms);
}

static bool todo_ready(const struct nhrp_purges *u)
{
	return u->todo_count > 0 && !LIST_EMPTY(&u->free_jobs);
}

unsigned nhrp_purges_tick(struct nhrp_purges *u, uint64_t now_ms, unsigned max)
{
	unsigned n = 0;

	for (; n < max && deadline_next_ms(&u->due) <= now_ms; n++)
		job_try(u,
			(struct job *)((char *)deadline_first(&u->due) - offsetof(struct job, due)),
			now_ms);
	for (; n < max && todo_ready(u); n++)
		todo_step(u, now_ms);
	return n;
}

uint64_t nhrp_purges_next_ms(const struct nhrp_purges *u)
{
	return todo_ready(u) ? 0 : deadline_next_ms(&u->due);
}

bool nhrp_purges_answered(struct nhrp_purges *u, uint16_t tunnel, const struct nhrp_packet *reply)
{
	struct job *j = &u->jobs[reply->request_id & (JOBS - 1)];

	if (j->due.slot == 0 || j->request_id != reply->request_id ||
	    j->to.requester_tunnel != tunnel ||
	    !dp_addr_equal(&j->to.requester_protocol, &reply->dst_proto))
		return false;
	job_end(u, j);
	return true;
}

unsigned nhrp_purges_farewell(struct nhrp_purges *u,
			      uint16_t tunnel,
			      uint32_t *cursor,
			      unsigned max)
{
	struct nhrp_requester r;
	uint32_t id = 0;
	unsigned n = 0;

	while (n < max && nhrp_requesters_take_next(u->srv->requesters, tunnel, cursor, &r)) {
		(void)!getrandom(&id, sizeof(id), 0);
		request_send(u->srv, &r, id, NHRP_PURGE_F_NO_REPLY);
		n++;
	}
	return n;
}

void nhrp_purges_info_get(const struct nhrp_purges *u, struct nhrp_purges_info *info)
{
	*info = (struct nhrp_purges_info){.waiting = u->todo_count, .unanswered = u->due.count};
}
