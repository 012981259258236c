/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dmvpn-spokes: any frame on its link, as it is and with the checksum of the outer header made
 * right (else nearly every input would end there). Whatever comes in, at most one frame goes out,
 * and no count of ours grows that nothing was sent for.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/spokes/bytes.h"
#include "tools/spokes/demux.h"
#include "tools/spokes/link.h"
#include "tools/spokes/packet.h"
#include "tools/spokes/spoke.h"
#include "tools/spokes/traffic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t tx_frame[PACKET_FRAME_MAX];
static unsigned tx_count;

uint8_t *link_tx_room(struct link *link)
{
	(void)link;
	return tx_frame;
}

void link_tx_commit(struct link *link, size_t len)
{
	(void)link;
	if (len > sizeof(tx_frame))
		abort();
	tx_count++;
}

const uint8_t *link_mac(const struct link *link)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 5};

	(void)link;
	return mac;
}

struct world {
	struct options opt;
	struct spokes spokes;
	struct traffic traffic;
	struct demux demux;
};

/* The addresses of the seeds; all registered requests are unanswered. */
static struct world *world_get(void)
{
	static struct world w;

	if (w.opt.count)
		return &w;
	w.opt = (struct options){.count = 4,
				 .hubs = {{0xc0000201, 0x0aff0001}},
				 .hub_count = 1,
				 .shortcut = true,
				 .nbma_base = 0xc000026e,
				 .protocol_base = 0x0aff000b,
				 .private_base = 0xac100002,
				 .lan_base = 0x0a800000,
				 .lan_len = 24,
				 .has_key = true,
				 .key = 42,
				 .holdtime_s = 60,
				 .mtu = 1400,
				 .rate_pps = 1,
				 .size = 128};
	if (spokes_init(&w.spokes, &w.opt, NULL) < 0 || traffic_init(&w.traffic, &w.spokes, 7) < 0)
		abort();
	w.demux.spokes = &w.spokes;
	w.demux.traffic = &w.traffic;
	w.spokes.neighbour.known = w.spokes.neighbour.known_hubs[0] = true;
	spokes_start(&w.spokes, 0);
	spokes_poll(&w.spokes, UINT64_MAX / 2);
	return &w;
}

static void receive(const uint8_t *frame, size_t len)
{
	struct world *w = world_get();

	tx_count = 0;
	demux_frame(&w->demux, frame, len);
	if (tx_count > 1 || w->traffic.streams[TRAFFIC_LAN].stats.received)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Of the exact size, so that ASan sees a byte too far. */
	uint8_t *frame = malloc(size ? size : 1);

	if (!frame || size > PACKET_FRAME_MAX) {
		free(frame);
		return 0;
	}
	memcpy(frame, data, size);
	receive(frame, size);
	if (size >= PACKET_ETH_LEN + PACKET_IP4_LEN) {
		uint8_t *ip = frame + PACKET_ETH_LEN;
		const size_t head = (size_t)(ip[0] & 15) * 4;

		bytes_put_u16(ip + 10, 0);
		if (head <= size - PACKET_ETH_LEN)
			bytes_put_u16(ip + 10, packet_checksum(ip, head));
		receive(frame, size);
	}
	free(frame);
	return 0;
}
