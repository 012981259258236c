/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the nhrp_client*.c share. Context: control. */
#include <sys/queue.h>

#include "nhrp_client.h"
#include "nhrp_priv.h"

struct nhs {
	struct nhrp_nhs_info info;
	uint32_t request_id;
	bool asked; /* the last registration has no answer yet */
	struct deadline due;
	LIST_ENTRY(nhs) list; /* of its tunnel, or free */
};
LIST_HEAD(nhs_list, nhs);

struct nhrp_clients {
	struct nhrp_server *srv;
	struct nhs nhs[NHRP_NHS_MAX];
	struct nhs_list free_list;
	struct nhs_list *tunnels; /* [tunnel_count] */
	struct deadline_heap due;
};

static inline const struct config_tunnel *nhs_tunnel(const struct nhrp_clients *c,
						     const struct nhs *n)
{
	return &c->srv->tunnels[n->info.tunnel].conf;
}

/* nhrp_client_send.c: a registration, which becomes the one that a reply must be to; the end of it.
 */
void nhs_register(struct nhrp_clients *c, struct nhs *n);
void nhs_withdraw(struct nhrp_clients *c, const struct nhs *n);
