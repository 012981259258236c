/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options_check: what no single option can say: ranges of addresses end where addresses do and do
 * not overlap. Pure but for the line on stderr.
 */
#include "options_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

int options_fail(const char *name, const char *value, const char *allowed)
{
	fprintf(stderr, "dmvpn-spokes: --%s %s: %s\n", name, value ? value : "", allowed);
	return -EINVAL;
}

static bool overlaps(uint32_t a, uint64_t a_count, uint32_t b, uint64_t b_count)
{
	return a < b + b_count && b < a + a_count;
}

/* A range of addresses that counts up from a base must end inside the address space. */
static int check_range(const char *name, uint32_t base, uint64_t count)
{
	char text[INET_ADDRSTRLEN];
	const struct in_addr in = {htonl(base)};

	if (base + count <= 0xe0000000)
		return 0;
	inet_ntop(AF_INET, &in, text, sizeof(text));
	return options_fail(name, text, "--count addresses from here must end below 224.0.0.0");
}

static int check_hubs(const struct options *o, uint64_t lans)
{
	for (uint32_t h = 0; h < o->hub_count; h++) {
		const struct options_hub *hub = &o->hubs[h];

		if (overlaps(o->nbma_base, o->count, hub->nbma, 1))
			return options_fail("nbma-base", "",
					    "the spokes' addresses contain a hub's");
		if (overlaps(o->protocol_base, o->count, hub->protocol, 1))
			return options_fail("protocol-base", "",
					    "the spokes' addresses contain a hub's");
		if (overlaps(o->lan_base, lans, hub->protocol, 1))
			return options_fail("lan-base", "",
					    "the spokes' LANs contain tunnel addresses");
		for (uint32_t k = 0; k < h; k++)
			if (o->hubs[k].nbma == hub->nbma || o->hubs[k].protocol == hub->protocol)
				return options_fail("hub", "", "each hub has addresses of its own");
	}
	return 0;
}

int options_check(const struct options *o)
{
	const uint64_t lans = (uint64_t)o->count << (32 - o->lan_len);

	if (check_range("nbma-base", o->nbma_base, o->count) < 0 ||
	    check_range("protocol-base", o->protocol_base, o->count) < 0 ||
	    check_range("private-base", o->private_base, o->count) < 0 ||
	    check_range("lan-base", o->lan_base, lans) < 0)
		return -EINVAL;
	if (check_hubs(o, lans) < 0)
		return -EINVAL;
	if (o->gateway && overlaps(o->nbma_base, o->count, o->gateway, 1))
		return options_fail("nbma-base", "", "the spokes' addresses contain --gateway");
	if (overlaps(o->lan_base, lans, o->protocol_base, o->count))
		return options_fail("lan-base", "", "the spokes' LANs contain tunnel addresses");
	if (o->rate_pps && o->count < 2)
		return options_fail("rate", "", "traffic between LANs needs --count 2 or more");
	return 0;
}
