/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Harness of the stage tests, see stage.h. Runs everything on the calling thread: control core and
 * worker are the same, so there is no waiting anywhere.
 */
#include "stage.h"

#include <rte_ethdev.h>
#include <rte_gre.h>
#include <rte_ip.h>

#include "dataplane/dp_fib.h"
#include "dataplane/dp_neigh.h"
#include "dataplane/dp_nexthop.h"
#include "dataplane/dp_spoke.h"
#include "dataplane/dp_tunnel.h"
#include "dataplane/defer.h"
#include "dataplane/neigh.h"
#include "dataplane/reass.h"
#include "dataplane/spoke.h"
#include "dataplane/stages.h"

struct stage stage;
uint32_t stage_workers = 1;
uint32_t stage_profile;
static struct stage_result result;
static uint64_t now_tsc; /* stands still until stage_clock_move */

struct dp_addr stage_addr(const char *text)
{
	struct dp_addr a;

	assert_int_equal(dp_addr_parse(&a, text), 0);
	return a;
}

/* ---- topology ---- */

static void route(const char *text, enum dp_route_type type, struct dp_iface iface, const char *via)
{
	struct dp_route r = {.type = type, .iface = iface};
	struct dp_prefix p;

	assert_int_equal(dp_prefix_parse(&p, text), 0);
	if (via != NULL)
		r.gateway = stage_addr(via);
	assert_int_equal(dp_fib_set(0, &p, &r), 0);
}

static uint16_t port_add(const char *name, const char *device, enum dp_port_role role)
{
	struct dp_port_conf conf = {.role = role, .mtu = 1500, .descriptors = 256};
	uint16_t port;

	conf.queues = (uint16_t)stage_workers;
	snprintf(conf.name, sizeof(conf.name), "%s", name);
	snprintf(conf.device, sizeof(conf.device), "%s", device);
	assert_int_equal(dp_port_add(&conf, &port), 0);
	return port;
}

static uint16_t tunnel_add(const char *name, bool has_key, uint32_t key, uint32_t network_id)
{
	struct dp_tunnel_conf conf = {.source = stage_addr("192.0.2.1"),
				      .has_key = has_key,
				      .key = key,
				      .mtu = 1400,
				      .ttl = 64,
				      .redirect = true,
				      .redirect_interval_s = 8,
				      .network_id = network_id};
	uint16_t tunnel;

	conf.profile = network_id == 1 ? stage_profile : 0;
	snprintf(conf.name, sizeof(conf.name), "%s", name);
	assert_int_equal(dp_tunnel_add(&conf, &tunnel), 0);
	return tunnel;
}

static void neigh_add(uint16_t port, const char *addr, uint8_t last)
{
	const uint8_t mac[6] = {2, 0, 0, 0, 1, last};
	struct dp_addr a = stage_addr(addr);

	assert_int_equal(dp_neigh_set(port, &a, mac), 0);
}

static uint32_t spoke_add(uint16_t tunnel, const char *nbma, const char *protocol)
{
	struct dp_spoke_key key = {.tunnel = tunnel, .nbma = stage_addr(nbma)};
	struct dp_addr p = stage_addr(protocol);
	uint32_t spoke, neigh;

	assert_int_equal(dp_spoke_add(&key, &spoke), 0);
	assert_int_equal(dp_neigh_get(stage.wan, &key.nbma, &neigh), 0);
	assert_int_equal(dp_spoke_neigh_set(spoke, neigh), 0);
	assert_int_equal(dp_nexthop_set(tunnel, &p, spoke), 0);
	return spoke;
}

static void topology(void)
{
	struct dp_iface wan, lan, t100, t200;

	stage.wan = port_add("wan0", "net_ring0", DP_PORT_UNDERLAY);
	stage.lan = port_add("lan0", "net_ring1", DP_PORT_LAN);
	stage.tunnel100 = tunnel_add("Tunnel100", true, 42, 1);
	stage.tunnel200 = tunnel_add("Tunnel200", false, 0, 2);
	wan = (struct dp_iface){.kind = DP_IFACE_PORT, .id = stage.wan};
	lan = (struct dp_iface){.kind = DP_IFACE_PORT, .id = stage.lan};
	t100 = (struct dp_iface){.kind = DP_IFACE_TUNNEL, .id = stage.tunnel100};
	t200 = (struct dp_iface){.kind = DP_IFACE_TUNNEL, .id = stage.tunnel200};
	route("192.0.2.1/32", DP_ROUTE_LOCAL, wan, NULL);
	route("10.1.1.1/32", DP_ROUTE_LOCAL, lan, NULL);
	route("10.255.0.1/32", DP_ROUTE_LOCAL, t100, NULL);
	route("10.255.1.1/32", DP_ROUTE_LOCAL, t200, NULL);
	route("192.0.2.0/24", DP_ROUTE_CONNECTED, wan, NULL);
	route("10.1.1.0/24", DP_ROUTE_CONNECTED, lan, NULL);
	route("10.255.0.0/24", DP_ROUTE_CONNECTED, t100, NULL);
	route("10.255.1.0/24", DP_ROUTE_CONNECTED, t200, NULL);
	route("10.1.11.0/24", DP_ROUTE_GATEWAY, t100, "10.255.0.11");
	route("10.1.12.0/24", DP_ROUTE_GATEWAY, t100, "10.255.0.12");
	route("10.1.13.0/24", DP_ROUTE_GATEWAY, t100, "10.255.0.13"); /* nobody there */
	route("10.2.21.0/24", DP_ROUTE_GATEWAY, t200, "10.255.1.21");
	route("10.66.0.0/16", DP_ROUTE_BLACKHOLE, (struct dp_iface){0}, NULL);
	neigh_add(stage.wan, "192.0.2.11", 11);
	neigh_add(stage.wan, "192.0.2.12", 12);
	neigh_add(stage.wan, "192.0.2.21", 21);
	neigh_add(stage.lan, "10.1.1.10", 10);
	stage.spoke11 = spoke_add(stage.tunnel100, "192.0.2.11", "10.255.0.11");
	stage.spoke12 = spoke_add(stage.tunnel100, "192.0.2.12", "10.255.0.12");
	stage.spoke21 = spoke_add(stage.tunnel200, "192.0.2.21", "10.255.1.21");
}

int stage_setup(void **state)
{
	struct dp_conf conf = {.worker_lcores = {0},
			       .worker_count = stage_workers,
			       .huge_pages = DP_HUGE_OFF,
			       .idle = DP_IDLE_SLEEP,
			       .limits = {.tunnels = 4,
					  .spokes = 64,
					  .nexthops = 128,
					  .routes = 4096,
					  .tbl8 = 64,
					  .neighbours = 128,
					  .sas = 64},
			       .mtu_max = 1500,
			       .descriptors_sum = 2048};

	(void)state;
	if (dp_start(&conf) < 0)
		fail_msg("dp_start: %s", dp_error());
	stage.w = dp_workers[0];
	now_tsc = rte_rdtsc();
	topology();
	assert_int_equal(port_queues_assign(), 0);
	return 0;
}

int stage_teardown(void **state)
{
	uint32_t leaked;

	(void)state;
	neigh_queue_flush(stage.w);
	reass_flush(stage.w);
	dp_stop(&leaked);
	assert_int_equal(leaked, 0);
	return 0;
}

void stage_icmp(bool on)
{
	struct dp_addr wan = stage_addr("192.0.2.1"), lan = stage_addr("10.1.1.1");
	struct dp_addr t100 = stage_addr("10.255.0.1"), t200 = stage_addr("10.255.1.1");

	assert_int_equal(dp_port_address_set(stage.wan, on ? &wan : NULL), 0);
	assert_int_equal(dp_port_address_set(stage.lan, on ? &lan : NULL), 0);
	assert_int_equal(dp_tunnel_address_set(stage.tunnel100, on ? &t100 : NULL), 0);
	assert_int_equal(dp_tunnel_address_set(stage.tunnel200, on ? &t200 : NULL), 0);
}

/* ---- running packets ---- */

void stage_clock_move(unsigned us)
{
	now_tsc += rte_get_tsc_hz() / 1000000 * us;
}

static struct rte_mbuf *to_mbuf(const struct stage_packet *p)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(dp_pool);

	assert_non_null(m);
	memcpy(rte_pktmbuf_append(m, p->len), p->bytes, p->len);
	*dp_meta(m) = (struct dp_meta){0};
	return m;
}

static void from_mbuf(struct stage_packet *p, struct rte_mbuf *m)
{
	assert_int_equal(m->nb_segs, 1);
	assert_int_equal(rte_mbuf_refcnt_read(m), 1);
	assert_in_range(m->data_len, 0, STAGE_PACKET_MAX);
	/* GRE with nothing inside: the decoder's business. */
	assert_true(m->data_len > 0 || dp_meta(m)->kind == DP_KIND_NHRP);
	/* Room for encryption; what went out has its encapsulation already. */
	assert_true(rte_pktmbuf_tailroom(m) >= DP_ENCAP_TAILROOM);
	assert_true(rte_pktmbuf_headroom(m) >=
		    DP_ENCAP_HEADROOM - RTE_ETHER_HDR_LEN - ADJ_HEADER_MAX - 24);
	p->len = m->data_len;
	memcpy(p->bytes, rte_pktmbuf_mtod(m, void *), m->data_len);
	rte_pktmbuf_free(m);
}

/* net_ring gives back on rx what was sent on tx. */
static unsigned harvest_port(uint16_t port, struct stage_packet *out)
{
	struct rte_mbuf *m[DP_BURST];
	uint16_t n = rte_eth_rx_burst(port_hot[port].dev, 0, m, DP_BURST);

	for (uint16_t i = 0; i < n; i++)
		from_mbuf(&out[i], m[i]);
	return n;
}

static void harvest(const struct dp_worker_stats *before)
{
	const struct dp_worker_stats *after = &stage.w->stats;
	uint64_t *delta = (uint64_t *)&result.delta;
	struct rte_mbuf *m;

	tx_flush(stage.w);
	result.wan_n = harvest_port(stage.wan, result.wan);
	result.lan_n = harvest_port(stage.lan, result.lan);
	result.punted_n = 0;
	while (rte_ring_sc_dequeue(stage.w->punt, (void **)&m) == 0 ||
	       rte_ring_sc_dequeue(stage.w->nhrp, (void **)&m) == 0) {
		result.punt_meta[result.punted_n] = *dp_meta(m);
		from_mbuf(&result.punted[result.punted_n++], m);
	}
	for (size_t i = 0; i < sizeof(*after) / sizeof(uint64_t); i++)
		delta[i] = ((const uint64_t *)after)[i] - ((const uint64_t *)before)[i];
	result.delta.held_pkts = after->held_pkts;
	assert_int_equal(dp_worker_balance(after), 0);
}

static uint64_t clock_tsc(int ms)
{
	return now_tsc + (uint64_t)(ms * ((int64_t)rte_get_tsc_hz() / 1000));
}

const struct stage_result *stage_run(uint16_t in_port,
				     const struct stage_packet *packets,
				     unsigned n)
{
	struct dp_worker_stats before = stage.w->stats;
	struct rte_mbuf *m[DP_BURST];

	assert_in_range(n, 1, DP_BURST);
	for (unsigned i = 0; i < n; i++) {
		m[i] = to_mbuf(&packets[i]);
		dp_meta(m[i])->kind = DP_KIND_FRAME;
		dp_meta(m[i])->in_port = in_port;
	}
	stage.w->now_tsc = clock_tsc(stage.clock_ms);
	dp_line_from_port(stage.w, m, (uint16_t)n);
	harvest(&before);
	return &result;
}

const struct stage_result *stage_inject(enum dp_kind kind,
					uint16_t tunnel_or_port,
					const struct stage_packet *packet)
{
	struct rte_mbuf *m = to_mbuf(packet);

	dp_meta(m)->kind = (uint8_t)kind;
	dp_meta(m)->flags = DP_META_FROM_TWIN;
	dp_meta(m)->tunnel = tunnel_or_port;
	dp_meta(m)->out_port = tunnel_or_port;
	return stage_inject_mbuf(m);
}

const struct stage_result *stage_inject_mbuf(struct rte_mbuf *m)
{
	struct dp_worker_stats before = stage.w->stats;

	stage.w->now_tsc = now_tsc;
	dp_line_from_inject(stage.w, &m, 1);
	harvest(&before);
	return &result;
}

const struct stage_result *stage_later(unsigned ms)
{
	struct dp_worker_stats before = stage.w->stats;

	stage.w->now_tsc = clock_tsc((int)ms);
	/* An earlier "later" may lie beyond this one. */
	stage.w->neighq_next_tsc = stage.w->reass_next_tsc = 0;
	neigh_queue_run(stage.w);
	reass_expire(stage.w);
	harvest(&before);
	return &result;
}

const struct stage_result *stage_mcast(void)
{
	struct dp_worker_stats before = stage.w->stats;

	while (stage.w->mcast_count > 0)
		mcast_run(stage.w);
	harvest(&before);
	return &result;
}

/* ---- building packets ---- */

static struct stage_packet prepend(const void *header, uint16_t len, struct stage_packet payload)
{
	struct stage_packet p;

	assert_in_range(len + payload.len, 1, STAGE_PACKET_MAX);
	memcpy(p.bytes, header, len);
	memcpy(p.bytes + len, payload.bytes, payload.len);
	p.len = (uint16_t)(len + payload.len);
	return p;
}

void stage_ip_fix(struct stage_packet *p, unsigned offset)
{
	struct rte_ipv4_hdr ip;

	memcpy(&ip, p->bytes + offset, sizeof(ip));
	ip.hdr_checksum = 0;
	memcpy(p->bytes + offset, &ip, sizeof(ip));
	ip.hdr_checksum = (uint16_t)~rte_raw_cksum(p->bytes + offset, rte_ipv4_hdr_len(&ip));
	memcpy(p->bytes + offset, &ip, sizeof(ip));
}

struct stage_packet stage_ip(struct stage_ip f)
{
	uint16_t len = f.len != 0 ? f.len : 84;
	struct rte_ipv4_hdr ip = {.version_ihl = RTE_IPV4_VHL_DEF,
				  .total_length = rte_cpu_to_be_16(len),
				  .time_to_live = f.ttl != 0 ? f.ttl : 64,
				  .next_proto_id = f.protocol != 0 ? f.protocol : IPPROTO_UDP,
				  .src_addr = stage_addr(f.src).ip4_be,
				  .dst_addr = stage_addr(f.dst).ip4_be};
	struct stage_packet payload = {.len = (uint16_t)(len - sizeof(ip))};
	struct stage_packet p;

	for (unsigned i = 0; i < payload.len; i++)
		payload.bytes[i] = (uint8_t)i;
	p = prepend(&ip, sizeof(ip), payload);
	stage_ip_fix(&p, 0);
	if (f.bad_checksum)
		p.bytes[10] ^= 0x40;
	return p;
}

struct stage_packet stage_gre(uint16_t flags,
			      uint32_t key,
			      uint16_t protocol,
			      struct stage_packet inner)
{
	rte_be16_t base[2] = {rte_cpu_to_be_16(flags), rte_cpu_to_be_16(protocol)};
	rte_be32_t zero = 0, key_be = rte_cpu_to_be_32(key), sequence = RTE_BE32(7);
	uint8_t header[16];
	uint16_t len = 4, sum;
	struct stage_packet p;

	memcpy(header, base, 4);
	if (flags & 0x8000) {
		memcpy(header + len, &zero, 4);
		len += 4;
	}
	if (flags & 0x2000) {
		memcpy(header + len, &key_be, 4);
		len += 4;
	}
	if (flags & 0x1000) {
		memcpy(header + len, &sequence, 4);
		len += 4;
	}
	p = prepend(header, len, inner);
	if (flags & 0x8000) {
		sum = (uint16_t)~rte_raw_cksum(p.bytes, p.len);
		memcpy(p.bytes + 4, &sum, 2);
	}
	return p;
}

struct stage_packet stage_outer(const char *src, const char *dst, struct stage_packet gre)
{
	struct rte_ipv4_hdr ip = {.version_ihl = RTE_IPV4_VHL_DEF,
				  .total_length = rte_cpu_to_be_16((uint16_t)(20 + gre.len)),
				  .time_to_live = 60,
				  .next_proto_id = IPPROTO_GRE,
				  .src_addr = stage_addr(src).ip4_be,
				  .dst_addr = stage_addr(dst).ip4_be};
	struct stage_packet p = prepend(&ip, sizeof(ip), gre);

	stage_ip_fix(&p, 0);
	return p;
}

struct stage_packet stage_eth(uint16_t port, uint16_t ethertype, struct stage_packet payload)
{
	struct rte_ether_hdr eth = {.dst_addr = port_hot[port].mac,
				    .src_addr = {{2, 0, 0, 0, 9, 9}},
				    .ether_type = rte_cpu_to_be_16(ethertype)};

	return prepend(&eth, sizeof(eth), payload);
}

struct stage_packet stage_from_spoke(const char *nbma, struct stage_packet inner)
{
	struct stage_packet gre = stage_gre(0x2000, 42, 0x0800, inner);

	return stage_eth(stage.wan, 0x0800, stage_outer(nbma, "192.0.2.1", gre));
}
