/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the feed has told so far: links, addresses and neighbours by their identity, each with the
 * generation of the dump in which it was seen last. Bounded. Private to control/net/.
 *
 * Context: control.
 */
#include "net_parse.h"

struct net_store;

/* NULL with errno. */
struct net_store *net_store_new(uint32_t objects_max);
void net_store_free(struct net_store *store);
uint32_t net_store_count(const struct net_store *store);

enum net_store_result {
	NET_STORE_SAME,    /* was there, equal; now of this generation */
	NET_STORE_CHANGED, /* new or different */
	NET_STORE_FULL,    /* new, and no room: not remembered */
};
/* msg->kind must be NET_LINK, NET_ADDR or NET_NEIGH. */
enum net_store_result net_store_put(struct net_store *store,
				    const struct net_msg *msg,
				    uint32_t generation);
/* Removes it; *msg becomes what was remembered. false: was not there. */
bool net_store_take(struct net_store *store, struct net_msg *msg);
/* Removes the next object of this kind that is of another generation, from slot *cursor on (start
 * with 0), into *msg. false: there is none left. Objects may be put and taken between calls. */
bool net_store_sweep(struct net_store *store,
		     enum net_kind kind,
		     uint32_t generation,
		     uint32_t *cursor,
		     struct net_msg *msg);
