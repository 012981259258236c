/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demux: Ethertype, outer addresses and GRE header decide where a frame goes. What is on the link
 * besides the hubs' GRE to our spokes is none of our business and only counted.
 */
#include "demux.h"

#include "bytes.h"
#include "nhc.h"
#include "packet.h"
#include "spoke.h"
#include "traffic.h"

#include "control/nhrp/nhrp_proto.h"

static void receive_gre(struct demux *d, const struct packet_view *view)
{
	const struct options *opt = d->spokes->opt;
	const uint32_t i = view->tunnel.dst - opt->nbma_base;
	const uint32_t hub = spokes_hub(d->spokes, view->tunnel.src);
	const bool direct = hub == opt->hub_count;

	/* From a spoke of ours only what went by a shortcut. */
	if (i >= opt->count || (direct && view->tunnel.src - opt->nbma_base >= opt->count) ||
	    (direct && !opt->shortcut))
		d->foreign_frames++;
	else if (view->tunnel.has_key != opt->has_key || view->tunnel.key != opt->key)
		d->wrong_key++;
	else if (view->tunnel.proto == NHRP_GRE_PROTO && !direct)
		nhc_receive(d->spokes, i, hub, view->inner, view->inner_len, d->now_ns);
	else if (view->tunnel.proto == PACKET_ETHERTYPE_IP4)
		traffic_receive(d->traffic, i, direct, view->inner, view->inner_len, d->now_ns);
	else
		d->unknown_proto++;
}

void demux_frame(void *demux, const uint8_t *frame, size_t len)
{
	struct demux *d = demux;
	struct packet_view view;

	if (len >= PACKET_ETH_LEN && bytes_u16(frame + 12) == PACKET_ETHERTYPE_ARP) {
		neighbour_receive(&d->spokes->neighbour, frame, len);
		return;
	}
	switch (packet_decap(frame, len, &view)) {
	case PACKET_OK:
		receive_gre(d, &view);
		break;
	case PACKET_FOREIGN:
		d->foreign_frames++;
		break;
	case PACKET_FRAGMENT:
		d->fragments++;
		break;
	case PACKET_TRUNCATED:
	case PACKET_CHECKSUM:
		d->bad_frames++;
		break;
	}
}
