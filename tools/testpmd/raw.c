/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raw: what the cipher alone costs: one encryption per packet of a train, in place, the keys of
 * spokes in random order, everything else made ready before the clock starts.
 */
#include <rte_cycles.h>
#include <rte_malloc.h>

#include "testpmd.h"

static struct {
	struct crypto *crypto;
	struct crypto_key *keys;
	uint64_t cycles[RUN_TRAINS * TRAIN_PKTS / BURST];
} raw;

void raw_setup(const struct net *net)
{
	raw.crypto = crypto_create();
	raw.keys = rte_malloc(NULL, net->spokes * sizeof(*raw.keys), RTE_CACHE_LINE_SIZE);
	if (raw.crypto == NULL || raw.keys == NULL)
		rte_exit(1, "dmvpn-testpmd: memory for the raw cipher\n");
	for (uint32_t i = 0; i < net->spokes; i++) {
		struct side_keys k = side_keys_of(i, DP_SA_OUT);

		crypto_key_expand(raw.crypto, net->alg, k.key, k.auth_key, &raw.keys[i]);
	}
}

static uint64_t burst_run(struct net *net, struct rte_mbuf **m, uint32_t text_len)
{
	static struct crypto_op packet[BURST];
	struct crypto_op *ops[BURST];
	uint64_t start;

	for (unsigned i = 0; i < BURST; i++) {
		ops[i] = &packet[i];
		packet[i] = (struct crypto_op){.key = &raw.keys[net_random(net) % net->spokes],
					       .text = rte_pktmbuf_mtod(m[i], uint8_t *) + 64,
					       .text_len = text_len,
					       .esn = net->esn};
		packet[i].iv[4] = (uint8_t)i;
	}
	start = rte_rdtsc();
	crypto_encrypt(raw.crypto, net->alg, ops, BURST);
	return rte_rdtsc() - start;
}

double raw_run(struct net *net, uint32_t size)
{
	uint32_t block = dp_sa_alg_info(net->alg)->block_bytes;
	uint32_t text_len = RTE_ALIGN_CEIL(size + GRE_BYTES + 2, block);
	unsigned n = 0;

	for (unsigned t = 0; t < RUN_TRAINS; t++) {
		train_make(net, size);
		rte_ring_sc_dequeue_bulk(net->rx, (void **)net->train, TRAIN_PKTS, NULL);
		for (unsigned b = 0; b < TRAIN_PKTS; b += BURST)
			raw.cycles[n++] = burst_run(net, net->train + b, text_len);
	}
	return cycles_median(raw.cycles, n);
}
