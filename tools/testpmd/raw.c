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
	struct samples samples;
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

static void op_prepare(struct net *net, struct crypto_op *op, uint32_t i)
{
	uint32_t block = dp_sa_alg_info(net->alg)->block_bytes;

	*op = (struct crypto_op){.key = &raw.keys[net_random(net) % net->spokes],
				 .text = rte_pktmbuf_mtod(net->train[i], uint8_t *) + 64,
				 .text_len = RTE_ALIGN_CEIL(net->bytes[i] + GRE_BYTES + 2, block),
				 .esn = net->esn};
	op->iv[4] = (uint8_t)i;
}

static uint64_t burst_run(struct net *net, uint32_t at)
{
	static struct crypto_op packet[BURST_MAX];
	struct crypto_op *ops[BURST_MAX];
	uint64_t start;

	for (unsigned i = 0; i < net->burst; i++) {
		ops[i] = &packet[i];
		op_prepare(net, ops[i], at + i);
	}
	start = rte_rdtsc();
	for (unsigned i = 0; i < net->burst; i += BURST)
		crypto_encrypt(raw.crypto, net->alg, ops + i,
			       (uint16_t)RTE_MIN(net->burst - i, (unsigned)BURST));
	return rte_rdtsc() - start;
}

double raw_run(struct net *net)
{
	samples_reset(&raw.samples, net);
	for (unsigned t = 0; t < RUN_TRAINS; t++) {
		train_make(net);
		for (uint32_t at = 0; at < net->train_pkts; at += net->burst)
			samples_add(&raw.samples, at, burst_run(net, at));
	}
	return samples_median(&raw.samples);
}
