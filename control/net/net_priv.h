/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the files of control/net/ share: requests with their acknowledgement, and dumps. Private.
 *
 * Context: control.
 */
#include <linux/netlink.h>

#include "net.h"

#define NET_REQUEST_BYTES 1024 /* room of a request; the largest we build is about 200 */
/* What one recv can bring: the kernel fills parts of a dump up to 32 KB when it sees such a buffer.
 */
#define NET_RECV_BYTES 32768

/* Sets net_error(); returns `rc`, so that a caller can `return net_error_set(-EINVAL, ...)`. */
int net_error_set(int rc, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "what: text of the errno (words of the kernel)" */
int net_error_ack(const struct net_ack *ack, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A request on the stack: net_request_start() gives the header, libmnl's putters add attributes. */
struct net_request {
	_Alignas(8) uint8_t bytes[NET_REQUEST_BYTES];
};
struct nlmsghdr *net_request_start(struct net_request *request, uint16_t type, uint16_t flags);
/* A request for all objects of a kind; the kind's own header is mnl_nlmsg_get_payload(). */
struct nlmsghdr *net_request_dump(struct net_request *request, enum net_kind kind, uint8_t family);

/* Sends it and waits for its acknowledgement: 0 with *ack filled (ack->error is the kernel's
 * answer), or -errno and net_error(): the socket failed us. */
int net_request_ack(struct nlmsghdr *request, struct net_ack *ack);
/* The same for a request whose answer is one message, parsed into *reply. */
int net_request_reply(struct nlmsghdr *request, struct net_ack *ack, struct net_msg *reply);

/* All messages of a dump, as they came. */
struct net_dump {
	uint8_t *bytes;
	size_t len, size;
	size_t at; /* of net_dump_next */
};
/* Over a socket of its own, so that requests may be made while the result is walked. Starts over
 * when the kernel says that the dump is torn. On error there is nothing to free. */
int net_dump_get(struct nlmsghdr *request, struct net_dump *dump);
/* The next message of this kind; false at the end. */
bool net_dump_next(struct net_dump *dump, enum net_kind kind, struct net_msg *msg);
void net_dump_free(struct net_dump *dump);

/* 1..15 characters and no slash: what can stand in /proc and in the kernel's tables. */
int net_ifname_check(const char *ifname);
