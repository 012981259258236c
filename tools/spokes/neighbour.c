/* SPDX-License-Identifier: Apache-2.0 */
/*
 * neighbour: one next hop for all spokes and each hub, RFC 826. Whatever ARP packet the next hop
 * sends teaches its MAC, so a hub that comes back with another one is found at once.
 */
#include "neighbour.h"

#include "link.h"
#include "options.h"
#include "packet.h"

#include <string.h>

#define QUERY_NS   200000000ULL
#define REFRESH_NS 30000000000ULL

void neighbour_init(struct neighbour *n, const struct options *opt, struct link *link)
{
	memset(n, 0, sizeof(*n));
	n->opt = opt;
	n->link = link;
}

static uint32_t next_hop(const struct options *opt, uint32_t hub)
{
	return opt->gateway ? opt->gateway : opt->hubs[hub].nbma;
}

static bool is_ours(const struct options *opt, uint32_t ip)
{
	/* Behind a router only the router is on the link. */
	return opt->router ? ip == opt->router : ip - opt->nbma_base < opt->count;
}

static void send(struct neighbour *n, const struct packet_arp *arp)
{
	link_tx_commit(n->link, packet_arp_write(arp, link_tx_room(n->link)));
}

void neighbour_receive(struct neighbour *n, const uint8_t *frame, size_t len)
{
	struct packet_arp arp, answer;

	if (packet_arp_parse(frame, len, &arp) < 0)
		return;
	for (uint32_t h = 0; h < OPTIONS_HUBS_MAX && h < n->opt->hub_count; h++) {
		if (arp.sender_ip != next_hop(n->opt, h))
			continue;
		memcpy(n->macs[h], arp.sender_mac, 6);
		n->known = n->known_hubs[h] = true;
	}
	if (!arp.is_request || !is_ours(n->opt, arp.target_ip) || is_ours(n->opt, arp.sender_ip))
		return;
	answer = (struct packet_arp){.sender_ip = arp.target_ip, .target_ip = arp.sender_ip};
	memcpy(answer.sender_mac, link_mac(n->link), 6);
	memcpy(answer.target_mac, arp.sender_mac, 6);
	send(n, &answer);
	n->answered++;
}

static void query(struct neighbour *n, uint32_t hub)
{
	struct packet_arp arp = {.is_request = true, .target_ip = next_hop(n->opt, hub)};

	arp.sender_ip = n->opt->router ? n->opt->router : n->opt->nbma_base;
	memcpy(arp.sender_mac, link_mac(n->link), 6);
	send(n, &arp);
	n->queries++;
}

void neighbour_poll(struct neighbour *n, uint64_t now_ns)
{
	const uint32_t count = n->opt->gateway ? 1 : n->opt->hub_count;
	bool all = true;

	if (now_ns < n->next_query_ns)
		return;
	for (uint32_t h = 0; h < count; h++) {
		query(n, h);
		all = all && n->known_hubs[h];
	}
	n->next_query_ns = now_ns + (all ? REFRESH_NS : QUERY_NS);
}
