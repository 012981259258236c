/* SPDX-License-Identifier: Apache-2.0 */
/* xfrm_reply: XFRM messages of a kernel (xfrm_reply.h). Pure: any thread. */
#include "xfrm_reply.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>

#define GRE_PROTO 47

int xfrm_request_header(
	const uint8_t *bytes, size_t len, uint16_t *type, uint16_t *flags, struct xfrm_to *to)
{
	struct nlmsghdr head;

	if (len < sizeof(head))
		return -EBADMSG;
	memcpy(&head, bytes, sizeof(head));
	if (head.nlmsg_len < sizeof(head) || head.nlmsg_len > len)
		return -EBADMSG;
	*type = head.nlmsg_type;
	*flags = head.nlmsg_flags;
	to->seq = head.nlmsg_seq;
	to->pid = head.nlmsg_pid;
	return 0;
}

/* ---- building ---- */

static size_t message_begin(
	uint8_t *at, uint16_t type, const struct xfrm_to *to, const void *fixed, size_t len)
{
	struct nlmsghdr head = {.nlmsg_len = (uint32_t)(NLMSG_HDRLEN + len),
				.nlmsg_type = type,
				.nlmsg_seq = to->seq,
				.nlmsg_pid = to->pid};

	memset(at, 0, NLMSG_HDRLEN + NLMSG_ALIGN(len));
	memcpy(at, &head, sizeof(head));
	memcpy(at + NLMSG_HDRLEN, fixed, len);
	return head.nlmsg_len;
}

static size_t attr_add(
	uint8_t *message, size_t len, uint16_t type, const void *value, size_t value_len)
{
	struct nlattr attr = {.nla_len = (uint16_t)(NLA_HDRLEN + value_len), .nla_type = type};
	size_t at = NLMSG_ALIGN(len);
	uint32_t whole = (uint32_t)(at + attr.nla_len);

	memcpy(message + at, &attr, sizeof(attr));
	memcpy(message + at + NLA_HDRLEN, value, value_len);
	memcpy(message, &whole, sizeof(whole));
	return whole;
}

static void addr_put(xfrm_address_t *to, const struct dp_addr *addr)
{
	memcpy(to, addr->bytes, dp_addr_len(addr));
}

static void no_limits(struct xfrm_lifetime_cfg *lft)
{
	lft->soft_byte_limit = lft->hard_byte_limit = XFRM_INF;
	lft->soft_packet_limit = lft->hard_packet_limit = XFRM_INF;
}

static struct xfrm_usersa_info info_of(const struct xfrm_sa_told *sa)
{
	struct xfrm_usersa_info info = {.family = sa->dst.family, .mode = XFRM_MODE_TRANSPORT};

	info.sel.family = sa->dst.family;
	addr_put(&info.id.daddr, &sa->dst);
	addr_put(&info.saddr, &sa->src);
	info.id.spi = htonl(sa->spi);
	info.id.proto = IPPROTO_ESP;
	info.reqid = sa->reqid;
	info.replay_window = sa->replay_window;
	info.flags = sa->esn ? XFRM_STATE_ESN : 0;
	no_limits(&info.lft);
	info.curlft.bytes = sa->bytes;
	info.curlft.packets = sa->pkts;
	info.curlft.add_time = sa->added;
	info.curlft.use_time = sa->used;
	return info;
}

/* ---- answers ---- */

size_t xfrm_reply_ack(uint8_t *reply, const uint8_t *request, int error)
{
	struct nlmsgerr body = {.error = error};
	struct xfrm_to to;

	memcpy(&body.msg, request, sizeof(body.msg));
	to = (struct xfrm_to){.seq = body.msg.nlmsg_seq, .pid = body.msg.nlmsg_pid};
	return message_begin(reply, NLMSG_ERROR, &to, &body, sizeof(body));
}

size_t xfrm_reply_sa(uint8_t *reply, const struct xfrm_to *to, const struct xfrm_sa_told *sa)
{
	struct xfrm_usersa_info info = info_of(sa);

	return message_begin(reply, XFRM_MSG_NEWSA, to, &info, sizeof(info));
}

int xfrm_policy_parse(
	const uint8_t *request, size_t len, struct dp_addr *src, struct dp_addr *dst, uint8_t *dir)
{
	struct xfrm_userpolicy_id id;
	uint8_t bytes;

	if (len < NLMSG_HDRLEN + sizeof(id))
		return -EBADMSG;
	memcpy(&id, request + NLMSG_HDRLEN, sizeof(id));
	bytes = id.sel.family == AF_INET ? 4 : id.sel.family == AF_INET6 ? 16 : 0;
	*dir = id.dir;
	if (dp_addr_from_bytes(src, (const uint8_t *)&id.sel.saddr, bytes) < 0 ||
	    dp_addr_from_bytes(dst, (const uint8_t *)&id.sel.daddr, bytes) < 0)
		return -EBADMSG;
	return 0;
}

int xfrm_reply_policy(uint8_t *reply, const uint8_t *request, size_t len, uint64_t used)
{
	struct xfrm_userpolicy_info info = {.action = XFRM_POLICY_ALLOW};
	struct xfrm_userpolicy_id id;
	struct xfrm_to to;
	uint16_t type, flags;

	if (len < NLMSG_HDRLEN + sizeof(id) ||
	    xfrm_request_header(request, len, &type, &flags, &to) < 0)
		return -EBADMSG;
	memcpy(&id, request + NLMSG_HDRLEN, sizeof(id));
	info.sel = id.sel;
	info.index = id.index;
	info.dir = id.dir;
	info.curlft.use_time = used;
	no_limits(&info.lft);
	return (int)message_begin(reply, XFRM_MSG_NEWPOLICY, &to, &info, sizeof(info));
}

size_t xfrm_reply_spdinfo(uint8_t *reply, const struct xfrm_to *to)
{
	const struct xfrmu_spdinfo info = {0};
	const uint32_t flags = 0;
	size_t len = message_begin(reply, XFRM_MSG_NEWSPDINFO, to, &flags, sizeof(flags));

	return attr_add(reply, len, XFRMA_SPD_INFO, &info, sizeof(info));
}

size_t xfrm_reply_sadinfo(uint8_t *reply, const struct xfrm_to *to, uint32_t count)
{
	const uint32_t flags = 0;
	size_t len = message_begin(reply, XFRM_MSG_NEWSADINFO, to, &flags, sizeof(flags));

	return attr_add(reply, len, XFRMA_SAD_CNT, &count, sizeof(count));
}

/* ---- news ---- */

static const struct xfrm_to everybody;

size_t xfrm_tell_expire(uint8_t *message, const struct xfrm_sa_told *sa, bool hard)
{
	struct xfrm_user_expire expire = {.state = info_of(sa), .hard = hard};

	return message_begin(message, XFRM_MSG_EXPIRE, &everybody, &expire, sizeof(expire));
}

static void selector_gre(struct xfrm_selector *sel,
			 const struct dp_addr *local,
			 const struct dp_addr *remote)
{
	addr_put(&sel->saddr, local);
	addr_put(&sel->daddr, remote);
	sel->prefixlen_s = dp_addr_bits(local);
	sel->prefixlen_d = dp_addr_bits(remote);
	sel->family = local->family;
	sel->proto = GRE_PROTO;
}

size_t xfrm_tell_acquire(uint8_t *message,
			 const struct dp_addr *local,
			 const struct dp_addr *remote,
			 uint32_t reqid,
			 uint32_t seq)
{
	struct xfrm_user_acquire acquire = {
		.aalgos = UINT32_MAX, .ealgos = UINT32_MAX, .calgos = UINT32_MAX, .seq = seq};
	struct xfrm_user_tmpl tmpl = {.family = local->family,
				      .reqid = reqid,
				      .mode = XFRM_MODE_TRANSPORT,
				      .aalgos = UINT32_MAX,
				      .ealgos = UINT32_MAX,
				      .calgos = UINT32_MAX};
	size_t len;

	addr_put(&acquire.id.daddr, remote);
	acquire.id.proto = IPPROTO_ESP;
	addr_put(&acquire.saddr, local);
	selector_gre(&acquire.sel, local, remote);
	acquire.policy.sel = acquire.sel;
	acquire.policy.dir = XFRM_POLICY_OUT;
	no_limits(&acquire.policy.lft);
	tmpl.id = acquire.id;
	tmpl.saddr = acquire.saddr;
	len = message_begin(message, XFRM_MSG_ACQUIRE, &everybody, &acquire, sizeof(acquire));
	return attr_add(message, len, XFRMA_TMPL, &tmpl, sizeof(tmpl));
}

size_t xfrm_tell_mapping(uint8_t *message,
			 const struct xfrm_sa_told *sa,
			 uint16_t old_port,
			 const struct dp_addr *to,
			 uint16_t new_port)
{
	struct xfrm_user_mapping mapping = {
		.reqid = sa->reqid, .old_sport = htons(old_port), .new_sport = htons(new_port)};

	addr_put(&mapping.id.daddr, &sa->dst);
	mapping.id.spi = htonl(sa->spi);
	mapping.id.family = sa->dst.family;
	mapping.id.proto = IPPROTO_ESP;
	addr_put(&mapping.old_saddr, &sa->src);
	addr_put(&mapping.new_saddr, to);
	return message_begin(message, XFRM_MSG_MAPPING, &everybody, &mapping, sizeof(mapping));
}
