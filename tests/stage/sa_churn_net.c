/* SPDX-License-Identifier: Apache-2.0 */
/* sa_churn_net: the world of test_sa_churn, and ESP as its peers make it; see sa_churn.h. */
#include "sa_churn.h"

#include <errno.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "dataplane/crypto.h"
#include "dataplane/defer.h"
#include "dataplane/dp_fib.h"
#include "dataplane/dp_neigh.h"
#include "dataplane/dp_nexthop.h"
#include "dataplane/dp_spoke.h"
#include "dataplane/dp_tunnel.h"
#include "dataplane/wire.h"

#define GRE_BYTES 8
#define ICV_BYTES 16
#define INNER_LEN 84
#define HUB       0xc0000201 /* 192.0.2.1 */
#define PEER_NET  0xc6336400 /* 198.51.100.0 */

struct churn_world churn_world;
struct churn_peer churn_peers[CHURN_PEERS];
static struct churn_seen seen[CHURN_IDS];
static uint32_t next_round;

/* ---- numbers and keys ---- */

uint32_t churn_id_new(unsigned peer)
{
	return ++next_round * CHURN_PEERS + peer;
}

bool churn_see(uint32_t id, uint64_t seq)
{
	uint64_t *word = &seen[id % CHURN_IDS].words[seq / 32 % (CHURN_NUMBERS / 32)];
	uint64_t bit = 1ULL << seq % 32, old = __atomic_load_n(word, __ATOMIC_RELAXED), new;

	if (seq >= CHURN_NUMBERS)
		return true; /* beyond what is looked at */
	do {
		if (old >> 32 > id)
			return true; /* a thread that slept: a later SA has the place */
		if (old >> 32 == id && (old & bit) != 0)
			return false;
		new = (old >> 32 == id ? old : (uint64_t)id << 32) | bit;
	} while (!__atomic_compare_exchange_n(word, &old, new, false, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	return true;
}

static void key_make(uint8_t key[20], uint32_t id)
{
	for (unsigned i = 0; i < 20; i++)
		key[i] = (uint8_t)(id >> (i % 3 * 8)) ^ (uint8_t)(i * 37 + 11);
}

struct dp_sa_conf churn_conf(enum dp_sa_dir dir, uint32_t id)
{
	const struct churn_peer *p = &churn_peers[churn_peer_of(id)];
	struct dp_sa_conf conf = {
		.dir = dir,
		.alg = DP_SA_AES128_GCM,
		.local = dp_addr_ip4(htonl(HUB)),
		.remote = dp_addr_ip4(htonl((uint32_t)(p->place >> 16))),
		.natt_port = (uint16_t)p->place,
		.spi = CHURN_FIRST + id,
		.profile = 1,
		.replay_window = CHURN_WINDOW,
		.bound = CHURN_NUMBERS - 1,
	};

	key_make(conf.key, id);
	return conf;
}

/* ---- ESP ---- */

static bool op_make(struct crypto *c,
		    struct crypto_op *op,
		    struct crypto_key *key,
		    uint8_t *esp,
		    uint32_t text_len,
		    uint32_t id)
{
	uint8_t bytes[20];

	key_make(bytes, id);
	if (crypto_key_expand(c, DP_SA_AES128_GCM, bytes, NULL, key) < 0)
		return false;
	memset(op, 0, sizeof(*op));
	op->key = key;
	op->text = esp + 16;
	op->text_len = text_len;
	memcpy(op->iv, bytes + 16, 4);
	memcpy(op->iv + 4, esp + 8, 8);
	return true;
}

static void ip_put(uint8_t *p, uint32_t src, uint32_t dst, uint8_t protocol, uint16_t len)
{
	struct rte_ipv4_hdr ip = {.version_ihl = RTE_IPV4_VHL_DEF,
				  .total_length = rte_cpu_to_be_16(len),
				  .time_to_live = 64,
				  .next_proto_id = protocol,
				  .src_addr = rte_cpu_to_be_32(src),
				  .dst_addr = rte_cpu_to_be_32(dst)};

	ip.hdr_checksum = rte_ipv4_cksum(&ip);
	memcpy(p, &ip, sizeof(ip));
}

/* GRE, inner packet with the numbers of SA and packet in it, padding, trailer. */
static uint16_t text_put(uint8_t *p, unsigned peer, uint32_t id, uint64_t seq)
{
	static const uint8_t gre[GRE_BYTES] = {0x20,           0, 8, 0, 0, 0, CHURN_KEY >> 8,
					       CHURN_KEY & 255};
	uint16_t len = GRE_BYTES + INNER_LEN;

	memset(p, 0, len + 8);
	memcpy(p, gre, sizeof(gre));
	ip_put(p + GRE_BYTES, 0x0a640000 + (peer << 8) + 1, 0x0a01010a, IPPROTO_UDP, INNER_LEN);
	memcpy(p + GRE_BYTES + 32, &id, sizeof(id));
	memcpy(p + GRE_BYTES + 40, &seq, sizeof(seq));
	for (uint8_t pad = 1; (len + 2) % 4 != 0; pad++)
		p[len++] = pad;
	p[len] = (uint8_t)(len - GRE_BYTES - INNER_LEN);
	p[len + 1] = IPPROTO_GRE;
	return (uint16_t)(len + 2);
}

uint16_t churn_seal(struct crypto *c, uint8_t *frame, unsigned peer, uint32_t id, uint64_t seq)
{
	uint64_t place = __atomic_load_n(&churn_peers[peer].place, __ATOMIC_RELAXED);
	uint32_t words[2] = {htonl(CHURN_FIRST + id), htonl((uint32_t)seq)};
	bool natt = (uint16_t)place != 0;
	uint8_t *esp = frame + 14 + 20 + (natt ? 8 : 0);
	struct crypto_op op, *ops = &op;
	struct crypto_key key;
	uint16_t text, len;

	memcpy(esp, words, sizeof(words));
	memcpy(esp + 8, &seq, sizeof(seq));
	text = text_put(esp + 16, peer, id, seq);
	if (!op_make(c, &op, &key, esp, text, id))
		return 0;
	crypto_encrypt(c, DP_SA_AES128_GCM, &ops, 1);
	len = (uint16_t)(esp + 16 + text + ICV_BYTES - frame);
	memcpy(frame, &port_hot[churn_world.wan].mac, 6);
	memset(frame + 6, 2, 6);
	frame[12] = 8;
	frame[13] = 0;
	if (natt) {
		struct rte_udp_hdr udp = {.src_port = htons((uint16_t)place),
					  .dst_port = htons(4500),
					  .dgram_len = htons((uint16_t)(len - 34))};

		memcpy(frame + 34, &udp, sizeof(udp));
	}
	ip_put(frame + 14, (uint32_t)(place >> 16), HUB, natt ? IPPROTO_UDP : IPPROTO_ESP,
	       (uint16_t)(len - 14));
	return len;
}

/* Offset of ESP; 0: something else. */
static uint16_t esp_at(const uint8_t *frame, uint16_t len)
{
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(frame + 14);

	if (len < 14 + 20 + 8 + 16 + ICV_BYTES || ip4_header_check(ip, len - 14U) != len - 14U ||
	    ip->src_addr != htonl(HUB))
		return 0;
	if (ip->next_proto_id == IPPROTO_ESP)
		return 34;
	if (ip->next_proto_id == IPPROTO_UDP && frame[34] == 4500 >> 8 && frame[35] == (4500 & 255))
		return 42;
	return 0;
}

const char *churn_open(struct crypto *c, uint8_t *frame, uint16_t len, uint32_t *id, uint64_t *seq)
{
	uint16_t at = esp_at(frame, len);
	struct crypto_op op, *ops = &op;
	struct crypto_key key;
	uint32_t words[2];

	if (at == 0)
		return "not ESP";
	memcpy(words, frame + at, sizeof(words));
	*id = ntohl(words[0]) - CHURN_FIRST;
	*seq = ntohl(words[1]);
	if (!op_make(c, &op, &key, frame + at, len - at - 16U - ICV_BYTES, *id))
		return "no key";
	crypto_decrypt(c, DP_SA_AES128_GCM, &ops, 1);
	if (!op.ok)
		return "ICV is wrong";
	/* 10.100.PEER.x, behind GRE. */
	if (op.text[GRE_BYTES + 17] != 100 || op.text[GRE_BYTES + 18] != churn_peer_of(*id))
		return "for another peer";
	return NULL;
}

/* ---- the world ---- */

static uint16_t port_add(const char *name, const char *device, enum dp_port_role role)
{
	struct dp_port_conf conf = {.role = role, .mtu = 1500, .descriptors = 256, .queues = 2};
	uint16_t port;

	snprintf(conf.name, sizeof(conf.name), "%s", name);
	snprintf(conf.device, sizeof(conf.device), "%s", device);
	assert_int_equal(dp_port_add(&conf, &port), 0);
	return port;
}

static void route(const char *text, enum dp_route_type type, enum dp_iface_kind kind, uint16_t id)
{
	struct dp_route r = {.type = type, .iface = {.kind = kind, .id = id}};
	struct dp_prefix p;

	assert_int_equal(dp_prefix_parse(&p, text), 0);
	assert_int_equal(dp_fib_set(0, &p, &r), 0);
}

static void neigh_add(uint16_t port, const char *addr)
{
	const uint8_t mac[6] = {2, 0, 0, 0, 1, 1};
	struct dp_addr a = stage_addr(addr);

	assert_int_equal(dp_neigh_set(port, &a, mac), 0);
}

int churn_spoke_add(unsigned peer)
{
	struct churn_peer *p = &churn_peers[peer];
	struct dp_spoke_key key = {.tunnel = churn_world.tunnel,
				   .natt_port = (uint16_t)p->place,
				   .nbma = dp_addr_ip4(htonl((uint32_t)(p->place >> 16)))};
	struct dp_addr overlay = dp_addr_ip4(htonl(0x0a640000 + (peer << 8) + 1));
	struct dp_addr gateway = stage_addr("192.0.2.254");
	uint32_t neigh;
	int rc = dp_spoke_add(&key, &p->spoke);

	if (rc < 0)
		return -EAGAIN;
	assert_int_equal(dp_neigh_get(churn_world.wan, &gateway, &neigh), 0);
	rc = dp_spoke_neigh_set(p->spoke, neigh);
	if (rc == 0)
		rc = dp_nexthop_set(churn_world.tunnel, &overlay, p->spoke);
	else
		dp_neigh_put(neigh);
	if (rc == 0)
		return 0;
	dp_nexthop_del(churn_world.tunnel, &overlay);
	while (dp_spoke_del(p->spoke) == -EAGAIN)
		defer_poll();
	p->spoke = 0;
	return -EAGAIN;
}

int churn_spoke_del(unsigned peer)
{
	struct dp_addr overlay = dp_addr_ip4(htonl(0x0a640000 + (peer << 8) + 1));
	int rc;

	dp_nexthop_del(churn_world.tunnel, &overlay);
	rc = dp_spoke_del(churn_peers[peer].spoke);
	if (rc == 0)
		churn_peers[peer].spoke = 0;
	return rc;
}

static void interfaces_add(void)
{
	struct dp_tunnel_conf conf = {.name = "Tunnel300",
				      .source = dp_addr_ip4(htonl(HUB)),
				      .has_key = true,
				      .key = CHURN_KEY,
				      .mtu = 1400,
				      .ttl = 64,
				      .profile = 1};

	churn_world.wan = port_add("wan0", "net_ring0", DP_PORT_UNDERLAY);
	churn_world.lan = port_add("lan0", "net_ring1", DP_PORT_LAN);
	assert_int_equal(dp_tunnel_add(&conf, &churn_world.tunnel), 0);
	route("192.0.2.1/32", DP_ROUTE_LOCAL, DP_IFACE_PORT, churn_world.wan);
	route("10.1.1.1/32", DP_ROUTE_LOCAL, DP_IFACE_PORT, churn_world.lan);
	route("10.1.1.0/24", DP_ROUTE_CONNECTED, DP_IFACE_PORT, churn_world.lan);
	route("10.100.0.0/16", DP_ROUTE_CONNECTED, DP_IFACE_TUNNEL, churn_world.tunnel);
	neigh_add(churn_world.wan, "192.0.2.254");
	neigh_add(churn_world.lan, "10.1.1.10");
}

void churn_world_start(uint32_t control_cpu, const uint32_t worker_cpu[2])
{
	struct dp_conf conf = {.control_lcore = control_cpu,
			       .worker_lcores = {worker_cpu[0], worker_cpu[1]},
			       .worker_count = 2,
			       .huge_pages = DP_HUGE_OFF,
			       .idle = DP_IDLE_POLL,
			       .limits = {.tunnels = 4,
					  .spokes = 10200,
					  .nexthops = 1024,
					  .routes = 1024,
					  .tbl8 = 64,
					  .neighbours = 256,
					  .sas = 41000},
			       .mtu_max = 1500,
			       .descriptors_sum = 4096};

	if (dp_start(&conf) < 0)
		fail_msg("dp_start: %s", dp_error());
	interfaces_add();
	for (unsigned i = 0; i < CHURN_PEERS; i++) {
		churn_peers[i].place =
			(uint64_t)(PEER_NET + i) << 16 | (i >= CHURN_NATT ? 40000 + i : 0);
		assert_int_equal(churn_spoke_add(i), 0);
	}
	assert_int_equal(port_queues_assign(), 0);
	churn_world.w[0] = dp_workers[0];
	churn_world.w[1] = dp_workers[1];
}
