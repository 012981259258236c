/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The control socket: JSON-RPC 2.0, one object per line, over a UNIX stream socket.
 * `system.methods` lists what there is.
 *
 * Context: control, all of it.
 */
struct api;
struct config;
struct event_base;
struct nhrp_server;
struct rib;
struct sa_store;
struct spoke_table;
struct state_info;
struct worker_watch;

/* What the answers speak of. Read at each request: the owner may set or exchange a pointer at any
 * time. Times of spokes and bindings are CLOCK_MONOTONIC. */
struct api_sources {
	const struct config *config;        /* never NULL */
	const struct spoke_table *spokes;   /* NULL: not there yet, its lists are empty */
	struct nhrp_server *nhrp;           /* NULL likewise; only read */
	const struct rib *rib;              /* NULL likewise */
	struct sa_store *sas;               /* NULL likewise */
	const struct worker_watch *workers; /* NULL likewise */
	const struct state_info *state;     /* NULL: no state file */
};

/*
 * Listens on config->control_socket; requests are answered from `base`'s loop on. The socket has
 * mode 0660 with config->control_group, or 0600 without; beside root and the daemon's own user only
 * members of the group are served. The directory of the socket is created when it is absent; what a
 * crashed daemon left is replaced. Ignores SIGPIPE for the process. `sources` must outlive the API.
 *
 * NULL with errno set, and logged: EADDRINUSE a daemon answers there, ENOENT no such group,
 * ENOTSOCK the path is something else, ENAMETOOLONG.
 */
struct api *api_start(struct event_base *base, const struct api_sources *sources);
/* Closes every connection and removes the socket. NULL is allowed. */
void api_stop(struct api *api);
