/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_request: requests to the kernel, each with its answer.
 *
 * One rtnetlink socket for requests, blocking: the kernel works a request off inside send(), so the
 * answer is there when recv() asks for it; a time limit of the socket is the seat belt. Dumps use a
 * socket of their own for their duration, because parts of them would mix with acknowledgements.
 *
 * Context: control. Not done: several requests per send (measured: one round trip each is enough).
 */
#include "net_priv.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/netconf.h>
#include <linux/nexthop.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#define REPLY_TIMEOUT_S 5
#define DUMP_TRIES      5
#define DUMP_BYTES_MAX  (256u << 20) /* 1 M routes are about 100 MB */

static struct mnl_socket *request_socket;
static uint32_t request_seq;
static char error_text[320];

const char *net_error(void)
{
	return error_text;
}

int net_error_set(int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error_text, sizeof(error_text), fmt, ap);
	va_end(ap);
	return rc;
}

int net_error_ack(const struct net_ack *ack, const char *fmt, ...)
{
	char what[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (ack->text[0] != '\0')
		return net_error_set(ack->error, "%s: %s (%s)", what, strerror(-ack->error),
				     ack->text);
	return net_error_set(ack->error, "%s: %s", what, strerror(-ack->error));
}

int net_ifname_check(const char *ifname)
{
	size_t len = strlen(ifname);

	if (len == 0 || len >= NET_NAME_LEN || strchr(ifname, '/') || ifname[0] == '.')
		return net_error_set(-EINVAL, "interface '%s': not a name of 1 to %d characters",
				     ifname, NET_NAME_LEN - 1);
	return 0;
}

static int socket_open(struct mnl_socket **opened)
{
	const struct timeval limit = {.tv_sec = REPLY_TIMEOUT_S};
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int on = 1, rc;

	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
		goto err;
	/* Only comfort: without them there are no words beside errno, and dumps are not filtered.
	 */
	mnl_socket_setsockopt(nl, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(nl, NETLINK_CAP_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(nl, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	if (setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		goto err;
	*opened = nl;
	return 0;
err:
	rc = net_error_set(-errno, "rtnetlink: socket: %s", strerror(errno));
	if (nl)
		mnl_socket_close(nl);
	return rc;
}

int net_open(void)
{
	return request_socket ? 0 : socket_open(&request_socket);
}

void net_close(void)
{
	if (request_socket)
		mnl_socket_close(request_socket);
	request_socket = NULL;
}

struct nlmsghdr *net_request_start(struct net_request *request, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *head = mnl_nlmsg_put_header(request->bytes);

	head->nlmsg_type = type;
	head->nlmsg_flags = NLM_F_REQUEST | flags;
	return head;
}

struct nlmsghdr *net_request_dump(struct net_request *request, enum net_kind kind, uint8_t family)
{
	/* Each header begins with the family, in one byte. */
	static const struct {
		uint16_t type;
		size_t header_bytes;
	} dumps[NET_KINDS] = {
		[NET_LINK] = {RTM_GETLINK, sizeof(struct ifinfomsg)},
		[NET_ADDR] = {RTM_GETADDR, sizeof(struct ifaddrmsg)},
		[NET_NEIGH] = {RTM_GETNEIGH, sizeof(struct ndmsg)},
		[NET_NEXTHOP] = {RTM_GETNEXTHOP, sizeof(struct nhmsg)},
		[NET_ROUTE] = {RTM_GETROUTE, sizeof(struct rtmsg)},
		[NET_CONF] = {RTM_GETNETCONF, sizeof(struct netconfmsg)},
	};
	struct nlmsghdr *head = net_request_start(request, dumps[kind].type, NLM_F_DUMP);
	uint8_t *first = mnl_nlmsg_put_extra_header(head, dumps[kind].header_bytes);

	*first = family;
	return head;
}

/* recv that a signal does not break. */
static ssize_t receive(struct mnl_socket *nl, uint8_t *buf)
{
	ssize_t n;

	do {
		n = mnl_socket_recvfrom(nl, buf, NET_RECV_BYTES);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return net_error_set(-errno, "rtnetlink: no answer: %s", strerror(errno));
	return n;
}

static int request_send(struct mnl_socket *nl, struct nlmsghdr *request)
{
	if (!nl)
		return net_error_set(-EBADF, "rtnetlink: net_open was not called");
	request->nlmsg_seq = ++request_seq;
	if (mnl_socket_sendto(nl, request, request->nlmsg_len) < 0)
		return net_error_set(-errno, "rtnetlink: send: %s", strerror(errno));
	return 0;
}

/* The messages of one datagram; 1 when the acknowledgement was among them. */
static int answer_read(const uint8_t *buf, size_t len, struct net_ack *ack, struct net_msg *reply)
{
	struct nlmsghdr head;
	size_t step;

	for (; len >= NLMSG_HDRLEN; buf += step, len -= step) {
		memcpy(&head, buf, sizeof(head));
		if (head.nlmsg_len < NLMSG_HDRLEN || head.nlmsg_len > len)
			return net_error_set(-EBADMSG, "rtnetlink: answer: bad length %u",
					     head.nlmsg_len);
		step = NLMSG_ALIGN((size_t)head.nlmsg_len);
		if (step > len)
			step = len;
		if (head.nlmsg_seq != request_seq)
			continue; /* a late answer to a request that timed out */
		if (head.nlmsg_type == NLMSG_ERROR)
			return net_parse_ack(buf, len, ack) < 0 ? -EBADMSG : 1;
		if (reply && net_parse(buf, len, reply) < 0)
			return net_error_set(-EBADMSG, "rtnetlink: answer: not understood, type %u",
					     head.nlmsg_type);
	}
	return 0;
}

int net_request_reply(struct nlmsghdr *request, struct net_ack *ack, struct net_msg *reply)
{
	_Alignas(8) uint8_t buf[NET_RECV_BYTES];
	ssize_t n;
	int rc;

	request->nlmsg_flags |= NLM_F_ACK;
	rc = request_send(request_socket, request);
	while (rc == 0) {
		n = receive(request_socket, buf);
		if (n < 0)
			return (int)n;
		rc = answer_read(buf, (size_t)n, ack, reply);
	}
	return rc < 0 ? rc : 0;
}

int net_request_ack(struct nlmsghdr *request, struct net_ack *ack)
{
	return net_request_reply(request, ack, NULL);
}

static int dump_append(struct net_dump *dump, const uint8_t *bytes, size_t len)
{
	size_t size = dump->size ? dump->size : 2 * NET_RECV_BYTES;
	size_t padded = NLMSG_ALIGN(len); /* the next message must begin aligned */
	uint8_t *grown;

	while (size - dump->len < padded)
		size *= 2;
	if (size > DUMP_BYTES_MAX)
		return net_error_set(-ENOSPC, "rtnetlink: dump: larger than %u bytes",
				     DUMP_BYTES_MAX);
	if (size > dump->size) {
		grown = realloc(dump->bytes, size);
		if (!grown)
			return net_error_set(-ENOMEM, "rtnetlink: dump: no memory for %zu bytes",
					     size);
		dump->bytes = grown;
		dump->size = size;
	}
	memcpy(dump->bytes + dump->len, bytes, len);
	memset(dump->bytes + dump->len + len, 0, padded - len);
	dump->len += padded;
	return 0;
}

/* Appends one datagram without the final message. 1: that was there; -EINTR: torn. */
static int dump_read(struct net_dump *dump, const uint8_t *buf, size_t len)
{
	struct net_ack ack;
	struct nlmsghdr head;
	size_t at = 0;

	while (len - at >= NLMSG_HDRLEN) {
		memcpy(&head, buf + at, sizeof(head));
		if (head.nlmsg_len < NLMSG_HDRLEN || head.nlmsg_len > len - at)
			return net_error_set(-EBADMSG, "rtnetlink: dump: bad length %u",
					     head.nlmsg_len);
		if (head.nlmsg_flags & NLM_F_DUMP_INTR)
			return net_error_set(-EINTR, "rtnetlink: dump: torn %d times", DUMP_TRIES);
		if (head.nlmsg_type == NLMSG_DONE || head.nlmsg_type == NLMSG_ERROR) {
			if (net_parse_ack(buf + at, len - at, &ack) < 0)
				return net_error_set(-EBADMSG, "rtnetlink: dump: bad end");
			if (ack.error)
				return net_error_ack(&ack, "rtnetlink: dump");
			return dump_append(dump, buf, at) < 0 ? -ENOMEM : 1;
		}
		at += NLMSG_ALIGN((size_t)head.nlmsg_len);
		if (at > len)
			at = len;
	}
	return dump_append(dump, buf, len);
}

static int dump_once(struct nlmsghdr *request, struct net_dump *dump)
{
	_Alignas(8) uint8_t buf[NET_RECV_BYTES];
	struct mnl_socket *nl;
	ssize_t n;
	int rc;

	rc = socket_open(&nl);
	if (rc < 0)
		return rc;
	dump->len = 0;
	rc = request_send(nl, request);
	while (rc == 0) {
		n = receive(nl, buf);
		rc = n < 0 ? (int)n : dump_read(dump, buf, (size_t)n);
	}
	mnl_socket_close(nl);
	return rc < 0 ? rc : 0;
}

int net_dump_get(struct nlmsghdr *request, struct net_dump *dump)
{
	int rc = -EINTR;

	memset(dump, 0, sizeof(*dump));
	for (int tries = 0; tries < DUMP_TRIES && rc == -EINTR; tries++)
		rc = dump_once(request, dump);
	if (rc < 0)
		net_dump_free(dump);
	return rc;
}

bool net_dump_next(struct net_dump *dump, enum net_kind kind, struct net_msg *msg)
{
	struct nlmsghdr head;
	const uint8_t *at;

	while (dump->len - dump->at >= NLMSG_HDRLEN) {
		at = dump->bytes + dump->at;
		memcpy(&head, at, sizeof(head)); /* dump_read has checked it */
		dump->at += NLMSG_ALIGN((size_t)head.nlmsg_len);
		if (dump->at > dump->len)
			dump->at = dump->len;
		if (net_parse(at, head.nlmsg_len, msg) == 0 && msg->kind == kind)
			return true;
	}
	return false;
}

void net_dump_free(struct net_dump *dump)
{
	free(dump->bytes);
	memset(dump, 0, sizeof(*dump));
}
