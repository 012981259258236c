/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mcast_members: who gets a tunnel's multicast, see dp_mcast.h and mcast.h.
 *
 * Each tunnel has an array with a slot for each spoke there can be, of which only the pages that
 * members have stood in are memory. Workers go through the slots in use, not through all spokes.
 * Writer: control core; readers: workers, one atomic load per slot, and whatever adjacency they
 * find is alive until they pass a quiescent state.
 *
 * Not done: groups that spokes ask for themselves (IGMP, PIM); IPv6.
 */
#include <errno.h>

#include "defer.h"
#include "mcast.h"
#include "tunnel.h"
#include "wire.h"

#define MULTICAST_LEN  4 /* 224.0.0.0/4 */
#define LINK_LOCAL_LEN 24

struct mcast_tunnel *mcast_tunnels;
struct mcast_lan mcast_lans[DP_MCAST_LAN_MAX];
uint32_t mcast_lan_end;

static uint64_t *slots; /* of all tunnels */
static uint32_t tunnels_max, slots_max;

int mcast_members_init(const struct dp_conf *conf)
{
	tunnels_max = conf->limits.tunnels;
	slots_max = conf->limits.spokes;
	mcast_lan_end = 0;
	mcast_tunnels = calloc(tunnels_max, sizeof(*mcast_tunnels));
	slots = calloc((size_t)tunnels_max * slots_max, sizeof(*slots));
	if (mcast_tunnels == NULL || slots == NULL)
		return -ENOMEM;
	for (uint32_t t = 0; t < tunnels_max; t++)
		mcast_tunnels[t].slots = slots + (size_t)t * slots_max;
	return 0;
}

void mcast_members_fini(void)
{
	free(mcast_tunnels);
	free(slots);
	mcast_tunnels = NULL;
	slots = NULL;
	memset(mcast_lans, 0, sizeof(mcast_lans));
	mcast_lan_end = 0;
}

/* ---- members ---- */

static uint32_t slot_take(struct mcast_tunnel *t)
{
	uint32_t slot = t->hint;

	while (slot < t->end && t->slots[slot] != 0)
		slot++;
	t->hint = slot + 1;
	t->members++;
	return slot;
}

static void slot_free(struct mcast_tunnel *t, uint32_t slot)
{
	uint32_t end = t->end;

	__atomic_store_n(&t->slots[slot], 0, __ATOMIC_RELEASE);
	while (end > 0 && t->slots[end - 1] == 0)
		end--;
	__atomic_store_n(&t->end, end, __ATOMIC_RELEASE);
	t->hint = RTE_MIN(t->hint, slot);
	t->members--;
}

void mcast_member_set(uint16_t tunnel, uint32_t *slot, uint32_t adj, uint32_t groups)
{
	struct mcast_tunnel *t = &mcast_tunnels[tunnel];
	bool member = adj != 0 && groups != 0;

	if (!member && *slot != 0)
		slot_free(t, *slot - 1);
	if (!member) {
		*slot = 0;
		return;
	}
	if (*slot == 0)
		*slot = slot_take(t) + 1;
	__atomic_store_n(&t->slots[*slot - 1], mcast_slot(groups, adj), __ATOMIC_RELEASE);
	if (*slot > t->end)
		__atomic_store_n(&t->end, *slot, __ATOMIC_RELEASE);
}

/* ---- groups ---- */

static bool prefix_of(const struct dp_prefix *group, struct mcast_prefix *p)
{
	if (group->addr.family != AF_INET || group->len < MULTICAST_LEN || group->len > 32 ||
	    !ip4_is_multicast(group->addr.ip4_be))
		return false;
	p->mask_be = rte_cpu_to_be_32(UINT32_MAX << (32 - group->len));
	p->addr_be = group->addr.ip4_be & p->mask_be;
	return true;
}

static int fail_group(uint16_t tunnel, const struct dp_prefix *group, int rc, const char *what)
{
	char text[DP_PREFIX_STRLEN];

	return dp_error_set(rc, "tunnel %s: multicast group %s: %s", tunnels[tunnel].conf.name,
			    dp_prefix_format(group, text), what);
}

int dp_mcast_group_add(uint16_t tunnel, const struct dp_prefix *group, uint32_t *bit)
{
	struct mcast_tunnel *t;
	struct mcast_prefix p;

	if (tunnel_get(tunnel) == NULL)
		return dp_error_set(-ENOENT, "tunnel %u: no such tunnel", tunnel);
	if (!prefix_of(group, &p))
		return fail_group(tunnel, group, -EINVAL, "not a prefix of 224.0.0.0/4");
	t = &mcast_tunnels[tunnel];
	for (uint32_t i = 0; i < t->group_count; i++) {
		*bit = 1U << i;
		if (t->groups[i].addr_be == p.addr_be && t->groups[i].mask_be == p.mask_be)
			return 0;
	}
	if (t->group_count == DP_MCAST_GROUPS_MAX)
		return fail_group(tunnel, group, -ENOSPC, "the tunnel has 32 already");
	*bit = 1U << t->group_count;
	t->groups[t->group_count] = p;
	__atomic_store_n(&t->group_count, t->group_count + 1, __ATOMIC_RELEASE);
	return 0;
}

static bool overlap(const struct mcast_prefix *a, const struct mcast_prefix *b)
{
	rte_be32_t common = a->mask_be & b->mask_be;

	return (a->addr_be & common) == (b->addr_be & common);
}

int dp_mcast_lan_add(uint16_t tunnel, const struct dp_prefix *group)
{
	struct mcast_prefix p;
	uint32_t row = DP_MCAST_LAN_MAX;

	if (tunnel_get(tunnel) == NULL)
		return dp_error_set(-ENOENT, "tunnel %u: no such tunnel", tunnel);
	if (!prefix_of(group, &p))
		return fail_group(tunnel, group, -EINVAL, "not a prefix of 224.0.0.0/4");
	if (group->len >= LINK_LOCAL_LEN && ip4_is_link_local_multicast(p.addr_be))
		return fail_group(tunnel, group, -EINVAL, "link-local, it stays on its link");
	for (uint32_t i = DP_MCAST_LAN_MAX; i-- > 0;) {
		if (mcast_lans[i].tunnel == 0 && mcast_lans[i].leaving == 0)
			row = i;
		else if (mcast_lans[i].tunnel == tunnel + 1U && overlap(&mcast_lans[i].group, &p))
			return fail_group(tunnel, group, -EEXIST, "overlaps with another one");
	}
	if (row == DP_MCAST_LAN_MAX)
		return fail_group(tunnel, group, -ENOSPC, "all 256 are in use");
	mcast_lans[row].group = p;
	__atomic_store_n(&mcast_lans[row].tunnel, tunnel + 1U, __ATOMIC_RELEASE);
	if (row >= mcast_lan_end)
		__atomic_store_n(&mcast_lan_end, row + 1, __ATOMIC_RELEASE);
	return 0;
}

static void lan_free(uint32_t row)
{
	mcast_lans[row].leaving = 0;
}

/* ---- tunnels ---- */

void mcast_tunnel_start(uint16_t tunnel)
{
	struct mcast_tunnel *t = &mcast_tunnels[tunnel];
	static uint32_t born;

	/* Number 0 holds broadcast, too: no address is outside of 0.0.0.0/0. */
	t->groups[0] = (struct mcast_prefix){0};
	t->hint = t->members = 0;
	__atomic_store_n(&t->end, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&t->group_count, 1, __ATOMIC_RELEASE);
	__atomic_store_n(&t->born, ++born, __ATOMIC_RELEASE);
	for (uint32_t i = 0; i < dp_worker_count; i++)
		mcast_counters_reset(dp_workers[i], tunnel);
}

/* The caller has asked defer_room for these. */
void mcast_tunnel_end(uint16_t tunnel)
{
	for (uint32_t i = 0; i < mcast_lan_end; i++) {
		if (mcast_lans[i].tunnel != tunnel + 1U)
			continue;
		mcast_lans[i].leaving = 1;
		__atomic_store_n(&mcast_lans[i].tunnel, 0, __ATOMIC_RELEASE);
		defer_free(lan_free, i);
	}
}

int dp_mcast_info_get(uint16_t tunnel, struct dp_mcast_info *info)
{
	if (tunnel_get(tunnel) == NULL)
		return -ENOENT;
	*info = (struct dp_mcast_info){.members = mcast_tunnels[tunnel].members,
				       .groups = mcast_tunnels[tunnel].group_count};
	for (uint32_t i = 0; i < dp_worker_count; i++)
		mcast_counters_add(dp_workers[i], tunnel, &info->counters);
	return 0;
}
