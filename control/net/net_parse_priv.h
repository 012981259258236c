/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the files of the parser share. `body` is the message without its struct nlmsghdr. */
#include "net_attr.h"
#include "net_parse.h"

/* An address attribute of this family, exactly as long as the family's addresses. */
void net_attr_addr(struct net_attrs *it,
		   const struct net_attr *attr,
		   uint8_t family,
		   struct dp_addr *addr);

int net_parse_route(const uint8_t *body, size_t len, struct net_route *route);
int net_parse_nexthop(const uint8_t *body, size_t len, struct net_nexthop_object *object);
