/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adj: the template of an adjacency's headers, and what fits behind them; see spoke.h. Pure but for
 * the tunnel table; any thread. RFC 791, RFC 2784 (GRE), RFC 2890 (key), RFC 3948 (UDP). Not done:
 * outer IPv6.
 */
#include <rte_ether.h>
#include <rte_gre.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "esp_size.h"
#include "spoke.h"
#include "tunnel.h"

#define INNER_MIN 68 /* bytes that every link carries: RFC 791 section 3.2 */

static uint8_t gre_header_build(uint8_t *p, const struct dp_tunnel_conf *conf)
{
	struct rte_gre_hdr gre = {.k = conf->has_key, .proto = RTE_BE16(RTE_ETHER_TYPE_IPV4)};
	rte_be32_t key = rte_cpu_to_be_32(conf->key);

	memcpy(p, &gre, sizeof(gre));
	if (!conf->has_key)
		return sizeof(gre);
	memcpy(p + sizeof(gre), &key, sizeof(key));
	return sizeof(gre) + sizeof(key);
}

static void ip_put(struct adj *adj, const struct rte_ipv4_hdr *ip)
{
	uint16_t words[10];

	memcpy(adj->header, ip, sizeof(*ip));
	memcpy(words, ip, sizeof(words));
	adj->ip_sum = 0;
	for (unsigned i = 0; i < 10; i++)
		adj->ip_sum += words[i];
}

void adj_build(struct adj *adj, uint16_t tunnel, const struct dp_addr *nbma)
{
	const struct dp_tunnel_conf *conf = &tunnels[tunnel].conf;
	struct rte_ipv4_hdr ip = {
		.version_ihl = RTE_IPV4_VHL_DEF,
		.time_to_live = conf->ttl,
		.next_proto_id = conf->profile != 0 ? IPPROTO_ESP : IPPROTO_GRE,
		.src_addr = conf->source.ip4_be,
		.dst_addr = nbma->ip4_be,
	};

	memset(adj, 0, sizeof(*adj));
	ip_put(adj, &ip);
	adj->outer_len = sizeof(ip);
	adj->gre_len = gre_header_build(adj->header + sizeof(ip), conf);
	adj->header_len = adj->outer_len + adj->gre_len;
	adj->tunnel = tunnel;
	adj->mtu = conf->mtu;
	adj->network_id = conf->network_id;
	adj->df = conf->df;
	adj->is_protected = conf->profile != 0;
}

void adj_natt(struct adj *adj, uint16_t local_port, uint16_t remote_port)
{
	struct rte_udp_hdr udp = {.src_port = rte_cpu_to_be_16(local_port),
				  .dst_port = rte_cpu_to_be_16(remote_port)};
	uint8_t *behind = adj->header + sizeof(struct rte_ipv4_hdr);
	struct rte_ipv4_hdr ip;

	memcpy(&ip, adj->header, sizeof(ip));
	ip.next_proto_id = IPPROTO_UDP;
	ip_put(adj, &ip);
	memmove(behind + sizeof(udp), behind, adj->gre_len);
	memcpy(behind, &udp, sizeof(udp));
	adj->outer_len = sizeof(ip) + sizeof(udp);
	adj->header_len = adj->outer_len + adj->gre_len;
}

void adj_fit(struct adj *adj, uint16_t outer_mtu, enum dp_sa_alg alg)
{
	const struct dp_sa_alg_info *info = dp_sa_alg_info(alg);
	uint16_t inner = outer_mtu > adj->header_len ? outer_mtu - adj->header_len : 0;

	if (adj->sa != 0)
		inner = esp_inner_max(info, adj->outer_len, adj->gre_len, outer_mtu);
	if (inner < INNER_MIN)
		inner = INNER_MIN;
	if (inner < adj->mtu)
		adj->mtu = inner;
}
