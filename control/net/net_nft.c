/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_nft: the ingress filter of raw interfaces; see net_nft.h.
 *
 * nf_tables' netlink interface: a batch of messages between BEGIN and END is one transaction,
 * worked off inside send(), so that all answers are there when it returns. The kernel keeps the
 * table when we die; a chain goes with its interface. AF_PACKET sockets take their copy before the
 * ingress hook.
 *
 * Context: control. linux/netfilter/nf_tables.h.
 */
#include "net_nft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>

#include "net_attr.h"
#include "net_priv.h"

#define TABLE      "dmvpn-hub"
#define PRIORITY   (-500) /* before anyone's own rules: nothing is to be seen here */
#define CHAIN_LEN  (NET_NAME_LEN + 3)
#define BATCH_SIZE 2048 /* five messages of at most 200 bytes */

struct nft_batch {
	_Alignas(8) uint8_t bytes[BATCH_SIZE];
	size_t len;
	uint32_t seq;
};

static struct nlmsghdr *nft_message(
	void *at, uint16_t type, uint16_t flags, uint8_t family, uint16_t res_id)
{
	struct nlmsghdr *head = mnl_nlmsg_put_header(at);
	struct nfgenmsg *info = mnl_nlmsg_put_extra_header(head, sizeof(*info));

	head->nlmsg_type = type;
	head->nlmsg_flags = NLM_F_REQUEST | flags;
	info->nfgen_family = family;
	info->version = NFNETLINK_V0;
	info->res_id = htons(res_id);
	return head;
}

static void batch_close(struct nft_batch *batch, struct nlmsghdr *head)
{
	head->nlmsg_seq = batch->seq++;
	batch->len += NLMSG_ALIGN((size_t)head->nlmsg_len);
}

static void batch_edge(struct nft_batch *batch, uint16_t type)
{
	batch_close(batch, nft_message(batch->bytes + batch->len, type, 0, AF_UNSPEC,
				       NFNL_SUBSYS_NFTABLES));
}

static struct nlmsghdr *batch_message(struct nft_batch *batch, uint16_t type, uint16_t flags)
{
	return nft_message(batch->bytes + batch->len, (NFNL_SUBSYS_NFTABLES << 8) | type,
			   NLM_F_ACK | flags, NFPROTO_NETDEV, 0);
}

static void chain_name(char chain[CHAIN_LEN], const char *ifname)
{
	snprintf(chain, CHAIN_LEN, "in-%s", ifname);
}

static void put_table(struct nft_batch *batch, uint16_t type)
{
	bool creates = type == NFT_MSG_NEWTABLE;
	struct nlmsghdr *head = batch_message(batch, type, creates ? NLM_F_CREATE : 0);

	mnl_attr_put_strz(head, NFTA_TABLE_NAME, TABLE);
	if (creates) /* 0: also wakes a table that someone made dormant */
		mnl_attr_put_u32(head, NFTA_TABLE_FLAGS, htonl(0));
	batch_close(batch, head);
}

static void put_new_chain(struct nft_batch *batch, const char *chain, const char *ifname)
{
	struct nlmsghdr *head = batch_message(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	struct nlattr *hook;

	mnl_attr_put_strz(head, NFTA_CHAIN_TABLE, TABLE);
	mnl_attr_put_strz(head, NFTA_CHAIN_NAME, chain);
	hook = mnl_attr_nest_start(head, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(head, NFTA_HOOK_HOOKNUM, htonl(NF_NETDEV_INGRESS));
	mnl_attr_put_u32(head, NFTA_HOOK_PRIORITY, htonl((uint32_t)PRIORITY));
	mnl_attr_put_strz(head, NFTA_HOOK_DEV, ifname);
	mnl_attr_nest_end(head, hook);
	mnl_attr_put_u32(head, NFTA_CHAIN_POLICY, htonl(NF_DROP));
	mnl_attr_put_strz(head, NFTA_CHAIN_TYPE, "filter");
	batch_close(batch, head);
}

static void put_del_chain(struct nft_batch *batch, const char *chain)
{
	struct nlmsghdr *head = batch_message(batch, NFT_MSG_DELCHAIN, 0);

	mnl_attr_put_strz(head, NFTA_CHAIN_TABLE, TABLE);
	mnl_attr_put_strz(head, NFTA_CHAIN_NAME, chain);
	batch_close(batch, head);
}

/* All rules of the chain: someone may have put an "accept" there. */
static void put_flush(struct nft_batch *batch, const char *chain)
{
	struct nlmsghdr *head = batch_message(batch, NFT_MSG_DELRULE, 0);

	mnl_attr_put_strz(head, NFTA_RULE_TABLE, TABLE);
	mnl_attr_put_strz(head, NFTA_RULE_CHAIN, chain);
	batch_close(batch, head);
}

static int socket_open(struct mnl_socket **opened)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int on = 1, rc;

	*opened = nl;
	if (nl && mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == 0) {
		mnl_socket_setsockopt(nl, NETLINK_EXT_ACK, &on, sizeof(on));
		mnl_socket_setsockopt(nl, NETLINK_CAP_ACK, &on, sizeof(on));
		return 0;
	}
	rc = -errno;
	if (nl)
		mnl_socket_close(nl);
	return rc;
}

/* Reads what there is: the first error into *ack, the number of acknowledgements as result. `uses`
 * may be NULL: the number of chains that an answer of NFT_MSG_GETTABLE tells. */
static int answers_read(struct mnl_socket *nl, struct net_ack *first, uint32_t *uses)
{
	_Alignas(8) uint8_t buf[8192];
	struct nlmsghdr head;
	struct net_ack ack;
	int count = 0;
	ssize_t n;

	memset(first, 0, sizeof(*first));
	while ((n = mnl_socket_recvfrom(nl, buf, sizeof(buf))) >= (ssize_t)NLMSG_HDRLEN) {
		struct net_attrs it =
			net_attrs_over(buf, (size_t)n, NLMSG_HDRLEN + sizeof(struct nfgenmsg));
		struct net_attr attr;

		memcpy(&head, buf, sizeof(head));
		if (net_parse_ack(buf, (size_t)n, &ack) == 0) {
			count++;
			if (first->error == 0)
				*first = ack;
		} else if (uses &&
			   head.nlmsg_type == ((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWTABLE)) {
			while (net_attrs_next(&it, &attr)) {
				if (attr.type == NFTA_TABLE_USE)
					*uses = ntohl(net_attr_u32(&it, &attr));
			}
		}
	}
	return count;
}

/* 0 with the kernel's answer in *ack, or -errno: the socket failed. */
static int exchange(const void *bytes, size_t len, struct net_ack *ack, uint32_t *uses)
{
	struct mnl_socket *nl;
	int rc;

	rc = socket_open(&nl);
	if (rc < 0)
		return rc;
	if (mnl_socket_sendto(nl, bytes, len) < 0)
		rc = -errno;
	else if (answers_read(nl, ack, uses) == 0)
		rc = -EIO;
	mnl_socket_close(nl);
	return rc;
}

static int batch_send(struct nft_batch *batch, struct net_ack *ack)
{
	batch_edge(batch, NFNL_MSG_BATCH_END);
	return exchange(batch->bytes, batch->len, ack, NULL);
}

static void batch_start(struct nft_batch *batch)
{
	batch->len = 0;
	batch->seq = 1;
	batch_edge(batch, NFNL_MSG_BATCH_BEGIN);
}

static bool is_unsupported(int error)
{
	return error == -EOPNOTSUPP || error == -EAFNOSUPPORT || error == -EPROTONOSUPPORT;
}

/* One text for both ways to fail: the socket's, and the kernel's answer. */
static int nft_result(int rc, struct net_ack *ack, const char *ifname, const char *doing)
{
	if (rc < 0) {
		memset(ack, 0, sizeof(*ack));
		ack->error = rc;
	}
	if (is_unsupported(ack->error))
		return net_error_set(
			-EOPNOTSUPP,
			"interface %s: ingress filter: this kernel has no nftables for netdev "
			"(CONFIG_NF_TABLES_NETDEV); move the interface to a network namespace "
			"without twins, or use another driver",
			ifname);
	return ack->error ? net_error_ack(ack, "interface %s: ingress filter: %s", ifname, doing)
			  : 0;
}

int net_nft_drop_install(const char *ifname)
{
	char chain[CHAIN_LEN];
	struct nft_batch batch;
	struct net_ack ack;

	chain_name(chain, ifname);
	batch_start(&batch);
	put_table(&batch, NFT_MSG_NEWTABLE);
	put_new_chain(&batch, chain, ifname);
	put_flush(&batch, chain);
	return nft_result(batch_send(&batch, &ack), &ack, ifname, "install");
}

/* Chains in our table; 0 when there is no such table. */
static int table_uses(uint32_t *uses, struct net_ack *ack)
{
	_Alignas(8) uint8_t bytes[256];
	struct nlmsghdr *head = nft_message(bytes, (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETTABLE,
					    NLM_F_ACK, NFPROTO_NETDEV, 0);

	mnl_attr_put_strz(head, NFTA_TABLE_NAME, TABLE);
	*uses = 0;
	return exchange(head, head->nlmsg_len, ack, uses);
}

int net_nft_drop_remove(const char *ifname)
{
	char chain[CHAIN_LEN];
	struct nft_batch batch;
	struct net_ack ack;
	uint32_t uses;
	int rc;

	chain_name(chain, ifname);
	batch_start(&batch);
	put_del_chain(&batch, chain);
	rc = batch_send(&batch, &ack);
	if (is_unsupported(rc) || (rc == 0 && is_unsupported(ack.error)))
		return 0; /* a kernel without it has nothing to remove */
	if (rc < 0 || (ack.error && ack.error != -ENOENT))
		return nft_result(rc, &ack, ifname, "remove");
	rc = table_uses(&uses, &ack);
	if (rc == 0 && ack.error == -ENOENT)
		return 0;
	if (rc < 0 || ack.error || uses > 0)
		return nft_result(rc, &ack, ifname, "look at the table");
	batch_start(&batch);
	put_table(&batch, NFT_MSG_DELTABLE);
	return nft_result(batch_send(&batch, &ack), &ack, ifname, "remove the table");
}
