/* SPDX-License-Identifier: Apache-2.0 */
/* local: see local.h. One thread. */
#include "local.h"

#include "packet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int local_init(struct local *l)
{
	l->bytes = malloc((size_t)LOCAL_FRAMES * PACKET_FRAME_MAX);
	return l->bytes ? 0 : -ENOMEM;
}

void local_free(struct local *l)
{
	free(l->bytes);
	l->bytes = NULL;
}

void local_put(struct local *l, const uint8_t *frame, size_t len)
{
	const unsigned at = (l->head + l->count) % LOCAL_FRAMES;

	if (!l->bytes || l->count == LOCAL_FRAMES) {
		l->full++;
		return;
	}
	memcpy(l->bytes + (size_t)at * PACKET_FRAME_MAX, frame, len);
	l->len[at] = len;
	l->count++;
	l->frames++;
}

void local_receive(struct local *l,
		   void (*receive)(void *ctx, const uint8_t *frame, size_t len),
		   void *ctx)
{
	for (unsigned n = l->count; n > 0; n--) {
		const unsigned at = l->head;

		/* Its place stays taken while it is read. */
		receive(ctx, l->bytes + (size_t)at * PACKET_FRAME_MAX, l->len[at]);
		l->head = (l->head + 1) % LOCAL_FRAMES;
		l->count--;
	}
}
