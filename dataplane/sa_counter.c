/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sa_counter: outbound counters by key, see sa_counter.h.
 *
 * One record per key, found by 128 bits of SipHash (Aumasson, Bernstein 2012) over the key,
 * under random keys of this process: what is remembered says nothing about the key. Records of SAs
 * that are gone stand in a queue; when there is no other left the oldest one is taken, and counted.
 * Thread: control core.
 */
#include "sa_counter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

#include "crypto.h"

#define GONE_PER_SA 4 /* records of SAs that are gone per one that may live */

struct record {
	struct sa_print print;
	uint64_t seq;
	uint32_t sa; /* 0: in the queue */
	LIST_ENTRY(record) of_bucket;
	TAILQ_ENTRY(record) of_queue;
};
LIST_HEAD(bucket, record);

static struct {
	uint64_t keys[2][2];
	struct record *records;
	struct bucket *buckets;
	uint32_t mask; /* buckets - 1 */
	uint32_t max, used;
	TAILQ_HEAD(, record) queue; /* oldest first */
	uint64_t full;
} c;

/* ---- SipHash-2-4 ---- */

static uint64_t rotl(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] = rotl(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] = rotl(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	sip_round(v);
	v[0] ^= word;
}

uint64_t sa_siphash(const uint64_t key[2], const uint8_t *bytes, size_t len)
{
	uint64_t v[4] = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
			 key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573};
	uint64_t word, last = (uint64_t)len << 56;

	for (; len >= 8; len -= 8, bytes += 8) {
		memcpy(&word, bytes, sizeof(word));
		sip_word(v, word);
	}
	for (size_t i = 0; i < len; i++)
		last |= (uint64_t)bytes[i] << (8 * i);
	sip_word(v, last);
	v[2] ^= 0xff;
	for (unsigned i = 0; i < 4; i++)
		sip_round(v);
	word = v[0] ^ v[1] ^ v[2] ^ v[3];
	crypto_wipe(v, sizeof(v));
	return word;
}

/* ---- records ---- */

int sa_counter_init(uint32_t sas)
{
	uint32_t buckets = 64;

	c.max = sas * (1 + GONE_PER_SA);
	while (buckets < c.max)
		buckets *= 2;
	c.used = 0;
	c.full = 0;
	c.mask = buckets - 1;
	c.records = calloc((size_t)c.max + 1, sizeof(*c.records));
	c.buckets = calloc(buckets, sizeof(*c.buckets));
	TAILQ_INIT(&c.queue);
	if (c.records == NULL || c.buckets == NULL)
		return -ENOMEM;
	return getrandom(c.keys, sizeof(c.keys), 0) == sizeof(c.keys) ? 0 : -EIO;
}

void sa_counter_fini(void)
{
	free(c.records);
	free(c.buckets);
	c.records = NULL;
	c.buckets = NULL;
}

uint64_t sa_counter_bytes(void)
{
	/* Buckets: a power of two, up to twice as many as records. */
	return (1 + GONE_PER_SA) * (sizeof(struct record) + 2 * sizeof(struct bucket));
}

static void print_make(struct sa_print *print,
		       const struct dp_sa_conf *conf,
		       const uint64_t keys[2][2])
{
	const struct dp_sa_alg_info *alg = dp_sa_alg_info(conf->alg);
	uint8_t text[sizeof(conf->spi) + sizeof(conf->key) + sizeof(conf->auth_key)];
	size_t len = alg->key_bytes;

	/* A pair of key and IV is what must not come twice, under whatever SPI. Without a cipher
	 * there is no IV: SPI and the key of the HMAC tell SAs apart. */
	if (len != 0) {
		memcpy(text, conf->key, len);
	} else {
		memcpy(text, &conf->spi, sizeof(conf->spi));
		memcpy(text + sizeof(conf->spi), conf->auth_key, alg->auth_key_bytes);
		len = sizeof(conf->spi) + alg->auth_key_bytes;
	}
	for (unsigned i = 0; i < 2; i++)
		print->w[i] = sa_siphash(keys[i], text, len);
	crypto_wipe(text, sizeof(text));
}

void sa_print_make(struct sa_print *print, const struct dp_sa_conf *conf)
{
	print_make(print, conf, c.keys);
}

void dp_sa_print(const struct dp_sa_conf *conf,
		 const uint8_t salt[DP_SA_SALT_BYTES],
		 uint8_t print[DP_SA_PRINT_BYTES])
{
	uint64_t keys[2][2];
	struct sa_print p;

	memcpy(keys, salt, sizeof(keys));
	print_make(&p, conf, keys);
	memcpy(print, p.w, DP_SA_PRINT_BYTES);
}

static struct bucket *bucket_of(const struct sa_print *print)
{
	return &c.buckets[print->w[0] & c.mask];
}

static struct record *record_find(const struct sa_print *print)
{
	struct record *r;

	LIST_FOREACH (r, bucket_of(print), of_bucket)
		if (sa_print_equal(&r->print, print))
			return r;
	return NULL;
}

uint32_t sa_counter_find(const struct sa_print *print, uint64_t *seq)
{
	const struct record *r = record_find(print);

	*seq = r == NULL ? 0 : r->seq;
	return r == NULL ? 0 : r->sa;
}

/* There is always one: fewer SAs live than there are records. */
static struct record *record_new(const struct sa_print *print)
{
	struct record *r;

	if (c.used < c.max) {
		r = &c.records[c.used++];
	} else {
		r = TAILQ_FIRST(&c.queue);
		TAILQ_REMOVE(&c.queue, r, of_queue);
		LIST_REMOVE(r, of_bucket);
		c.full++;
	}
	*r = (struct record){.print = *print};
	LIST_INSERT_HEAD(bucket_of(print), r, of_bucket);
	return r;
}

void sa_counter_take(const struct sa_print *print, uint32_t sa)
{
	struct record *r = record_find(print);

	if (r == NULL)
		r = record_new(print);
	else if (r->sa == 0)
		TAILQ_REMOVE(&c.queue, r, of_queue);
	r->sa = sa;
}

void sa_counter_give(const struct sa_print *print, uint32_t sa, uint64_t seq)
{
	struct record *r = record_find(print);

	if (r == NULL || r->sa != sa)
		return;
	r->sa = 0;
	if (seq > r->seq)
		r->seq = seq;
	TAILQ_INSERT_TAIL(&c.queue, r, of_queue);
}

uint64_t sa_counter_full(void)
{
	return c.full;
}
