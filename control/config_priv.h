/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the steps of config_parse share: tree (config_node) -> struct config (config_bind, by the
 * rows of config_schema) -> checks across keys (config_check*). Private to control/config*.
 */
#include <stddef.h>

#include "config.h"
#include "config_node.h"
#include "config_schema.h"

struct config_ctx {
	const char *name; /* of the file, for errors */
	struct config_tree tree;
	struct config *config;
	struct config_error *err;
};

#define CONFIG_PATH_LEN     160
#define CONFIG_WARNINGS_MAX 64

/* "FILE:LINE:COLUMN: path: \"value\": what is allowed" for the value of a node; returns -EINVAL. */
int config_fail_node(struct config_ctx *ctx,
		     const struct config_node *node,
		     const char *path,
		     const char *fmt,
		     ...) __attribute__((format(printf, 4, 5)));
/* The same at a key, without a value. */
int config_fail_key(struct config_ctx *ctx,
		    const struct config_node *node,
		    const char *path,
		    const char *fmt,
		    ...) __attribute__((format(printf, 4, 5)));
/* The same for checks: finds the node by its path. */
int config_fail(struct config_ctx *ctx, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A line for config.warnings; silently the last one when there are CONFIG_WARNINGS_MAX. */
int config_warn(struct config_ctx *ctx, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int config_fail_memory(struct config_ctx *ctx);

/* Parses one scalar into a field of `size` bytes. Pure but for the allocation of CONFIG_PATH and
 * CONFIG_GROUP. -EINVAL: not what config_key_allowed says; -ENOMEM. */
int config_value_store(const struct config_key *key, const char *text, void *field, size_t size);
/* A name that the kernel takes for an interface and that we can use in paths and messages. */
bool config_ifname_valid(const char *name);
/* Is this a host's address inside this subnet: neither its network nor its broadcast address? */
bool config_host_in_subnet(const struct dp_addr *host, const struct dp_prefix *subnet);

/* The steps, in order. 0 or -errno with ctx->err filled. */
int config_bind(struct config_ctx *ctx);
int config_check_dataplane(struct config_ctx *ctx);
int config_check_names(struct config_ctx *ctx);
int config_check_addresses(struct config_ctx *ctx);
int config_check_protection(struct config_ctx *ctx);

/* Our addresses, sorted by subnet; the subnets of different interfaces are disjoint. */
struct config_net {
	struct dp_prefix subnet; /* host bits are zero */
	struct dp_addr own;
	struct dp_iface iface; /* its number in config.ports or config.tunnels */
	uint32_t address;      /* its number in the interface's addresses */
};
struct config_nets {
	struct config_net *rows;
	uint32_t count;
};
/* -EINVAL with the error for addresses that are twice or overlap, -ENOMEM. Free with free(rows). */
int config_nets_collect(struct config_ctx *ctx, struct config_nets *nets);
/* The subnet that an address is in; NULL when in none. */
const struct config_net *config_nets_find(const struct config_nets *nets, const struct dp_addr *a);
/* The row whose own address this is; NULL when it is nobody of ours. */
const struct config_net *config_nets_own(const struct config_nets *nets, const struct dp_addr *a);

int config_check_sources(struct config_ctx *ctx, const struct config_nets *nets);
int config_check_routes(struct config_ctx *ctx, const struct config_nets *nets);
int config_check_maps(struct config_ctx *ctx, const struct config_nets *nets);
/* An NBMA address that a map may name: not ours, and not routed into a tunnel. */
int config_check_nbma(struct config_ctx *ctx,
		      const struct config_nets *nets,
		      const char *path,
		      const struct dp_addr *nbma);
int config_check_multicast(struct config_ctx *ctx, const struct config_nets *nets);
