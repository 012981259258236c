/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nhrp_meet: can two spokes reach each other, or is there a NAT too much between them? Asked before
 * a redirect is sent and before a request is answered, so that nobody gives up a way through the
 * hub for one that does not work. Only the control core calls.
 */
#include "nhrp_priv.h"

struct nhrp_end nhrp_end_of(const struct nhrp_server *srv, const struct spoke *s)
{
	struct nhrp_end end = {.shared = spoke_shares_address(srv->spokes, s)};
	const struct nhrp_binding *b;

	LIST_FOREACH (b, &s->bindings, of_spoke)
		if (b->flags & NHRP_BINDING_F_NAT)
			end.nat = true;
	return end;
}

enum nhrp_suppress nhrp_meet(enum config_redirect_nat rule,
			     const struct nhrp_end *a,
			     const struct nhrp_end *b)
{
	bool shared = a->shared || b->shared;

	switch (rule) {
	case CONFIG_REDIRECT_NAT_NEVER:
		return a->nat || b->nat || shared ? NHRP_SUPPRESS_NAT : NHRP_SUPPRESS_NONE;
	case CONFIG_REDIRECT_NAT_ONE_SIDE:
		if (a->nat && b->nat)
			return NHRP_SUPPRESS_NAT_BOTH;
		return shared ? NHRP_SUPPRESS_NAT_SHARED : NHRP_SUPPRESS_NONE;
	case CONFIG_REDIRECT_NAT_ALWAYS:
		break;
	}
	return NHRP_SUPPRESS_NONE;
}
