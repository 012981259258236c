/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the files of control/api/ share: server, socket, method table. Context: control.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "api.h"
#include "rpc.h"

#define API_CLIENTS_MAX     32
#define API_OUT_PAUSE_BYTES 65536 /* no further request is served while this much waits unread */
#define API_WRITE_TIMEOUT_S 30    /* a client that reads nothing for so long is closed */

struct api_stats {
	uint32_t clients;
	uint64_t connections;
	uint64_t requests; /* lines answered, batches count once */
	uint64_t refused;  /* connections: too many, or not allowed */
	uint64_t closed;   /* by us: line too long, did not read, out of memory */
};

/* What handlers see. */
struct api_env {
	const struct api_sources *sources;
	uint64_t start_us; /* CLOCK_MONOTONIC */
	const struct api_stats *stats;
};

/* methods.c; ends with a row without name */
extern const struct rpc_method api_methods[];

/* server.c. Without a listener: clients come by api_client_add (tests). NULL with errno. */
struct api *api_new(struct event_base *base, const struct api_sources *sources);
/* Takes over the descriptor of a connected stream socket, also on error. -EBUSY, -ENOMEM. */
int api_client_add(struct api *api, int fd);
const struct api_stats *api_stats_get(const struct api *api);

/* socket.c */
struct api_socket {
	int fd;
	char path[108];
	dev_t dev;
	ino_t ino;
	bool has_group;
	gid_t group;
};
/* group NULL: root only. 0 or -errno, logged. */
int api_socket_open(struct api_socket *sock, const char *path, const char *group);
/* Removes the path when it is still ours. */
void api_socket_close(struct api_socket *sock);
/* May the peer of a connection be served? -EACCES with `who` filled in for the log. */
int api_socket_peer_check(const struct api_socket *sock, int fd, char *who, size_t who_len);
