/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the two files of the feed share: net_feed.c has the socket and the messages, net_feed_dump.c
 * the dumps. Private to them. Context: control.
 */
#include "net_priv.h"
#include "net_store.h"

#define NET_FEED_NO_KIND NET_KINDS
#define NET_FEED_BATCH   32 /* datagrams per system call: each event is one */

struct mnl_socket;

struct net_feed {
	struct mnl_socket *nl;
	struct net_feed_conf conf;
	struct net_feed_handlers on;
	struct net_store *store;
	struct net_feed_stats stats;

	bool wanted[NET_KINDS]; /* kinds whose dump has to be started */
	unsigned dumping;       /* enum net_kind, or NET_FEED_NO_KIND */
	bool dump_void;         /* events were lost meanwhile, or the kernel calls it torn */
	unsigned dump_failures; /* in a row */
	unsigned sweeping;      /* enum net_kind, or NET_FEED_NO_KIND */
	uint32_t sweep_cursor;
	uint32_t seq; /* of the dump; also the generation */

	unsigned got, current; /* datagrams in buf, and the one that is read */
	size_t len[NET_FEED_BATCH];
	size_t at;                                               /* in the current one */
	_Alignas(8) uint8_t buf[NET_FEED_BATCH][NET_RECV_BYTES]; /* touched as far as used */
};

/* Every dump has to be made (again); nothing runs. */
void net_feed_dump_reset(struct net_feed *feed);
/* Starts the next dump that is wanted. 1: something was started or has to be tried again; 0:
 * nothing to do. -errno: the kernel refuses. */
int net_feed_dump_next(struct net_feed *feed);
/* The kernel says that the dump is over, or that it failed. -errno: once too often. */
int net_feed_dump_end(struct net_feed *feed, const struct net_ack *ack);
/* Events were lost: everything has to be dumped. */
void net_feed_dump_overrun(struct net_feed *feed);
/* Tells the next object that the dump did not show any more, or that there is none. */
void net_feed_dump_sweep(struct net_feed *feed);

/* net_feed.c: to the handler of its kind. */
void net_feed_tell(struct net_feed *feed, const struct net_msg *msg);
