/* SPDX-License-Identifier: Apache-2.0 */
/*
 * multicast: the configuration's multicast map, see multicast.h. A static entry needs no NHRP
 * binding of its spoke: whoever is at this NBMA address gets a copy.
 *
 * Context: control. Not done: taking entries away while the hub runs (a reload would).
 */
#include "control/multicast.h"

#include <errno.h>
#include <string.h>

#include "control/log.h"
#include "dataplane/dp_mcast.h"

#define ALL_LEN 4 /* 224.0.0.0/4 */

static int group_bit(uint16_t tunnel, const struct dp_prefix *group, uint32_t *bit)
{
	*bit = DP_MCAST_ALL;
	return group->len == ALL_LEN ? 0 : dp_mcast_group_add(tunnel, group, bit);
}

static int static_add(struct spoke_table *spokes,
		      uint16_t tunnel,
		      const struct dp_addr *nbma,
		      uint32_t bit,
		      uint64_t now_ms)
{
	const struct dp_spoke_key key = {.tunnel = tunnel, .nbma = *nbma};
	struct spoke *s;
	int err = spoke_get(spokes, &key, now_ms, &s);

	if (err < 0)
		return err;
	/* One reference for all rows of the spoke. */
	if (s->multicast_static != 0)
		spoke_put(spokes, s, "multicast map", now_ms);
	s->multicast_static |= bit;
	spoke_multicast_update(spokes, s);
	return 0;
}

static int map_apply(struct spoke_table *spokes,
		     uint16_t tunnel,
		     const struct config_nhrp *nhrp,
		     uint64_t now_ms)
{
	uint32_t dynamic = nhrp->multicast == CONFIG_MULTICAST_DYNAMIC ? DP_MCAST_ALL : 0, bit;
	int err = 0;

	for (uint32_t i = 0; err == 0 && i < nhrp->multicast_map_count; i++) {
		const struct config_multicast *row = &nhrp->multicast_map[i];

		err = group_bit(tunnel, &row->group, &bit);
		if (err < 0)
			break;
		if (dp_addr_is_set(&row->nbma))
			err = static_add(spokes, tunnel, &row->nbma, bit, now_ms);
		else
			dynamic |= bit;
	}
	spoke_tunnel_multicast_set(spokes, tunnel, dynamic);
	return err;
}

int multicast_tunnel_add(struct spoke_table *spokes,
			 uint16_t tunnel,
			 const struct config_tunnel *conf,
			 uint64_t now_ms)
{
	const struct config_nhrp *nhrp = &conf->nhrp;
	int err = map_apply(spokes, tunnel, nhrp, now_ms);

	for (uint32_t i = 0; err == 0 && i < nhrp->multicast_group_count; i++)
		err = dp_mcast_lan_add(tunnel, &nhrp->multicast_groups[i]);
	if (err < 0)
		log_sys("tunnel %s: multicast map: %s", conf->name, strerror(-err));
	return err;
}
