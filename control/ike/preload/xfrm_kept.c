/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots of one size in chunks that are never given back, so that what held a key is either a slot
 * in use or zeros. SAs hang in a hash table by destination, SPI, family and protocol; marks, which
 * are part of the kernel's key, are not: strongSwan's SPIs are unique without them.
 */
#include "control/ike/preload/xfrm_kept.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define SLOTS_PER_CHUNK 64
#define MAX_CHUNKS      ((KEPT_MAX_SAS + KEPT_MAX_INFLIGHT) / SLOTS_PER_CHUNK + 1)
#define BUCKETS         131072
#define PROTO_ANY       255 /* IPSEC_PROTO_ANY: ESP, AH and IPComp */

static struct kept *chunks[MAX_CHUNKS];
static uint32_t n_chunks;
static uint32_t n_sas;
static struct kept *free_slots;
static struct kept *buckets[BUCKETS];

void *kept_pages(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (mlock(p, bytes) < 0 || madvise(p, bytes, MADV_DONTDUMP) < 0 ||
	    madvise(p, bytes, MADV_WIPEONFORK) < 0) {
		int err = errno;

		munmap(p, bytes);
		errno = err;
		return NULL;
	}
	return p;
}

void kept_wipe(void *bytes, size_t len)
{
	explicit_bzero(bytes, len);
}

static int chunk_add(void)
{
	struct kept *chunk;

	if (n_chunks == MAX_CHUNKS) {
		errno = ENOMEM;
		return -1;
	}
	chunk = kept_pages(SLOTS_PER_CHUNK * sizeof(*chunk));
	if (!chunk)
		return -1;
	chunks[n_chunks++] = chunk;
	for (unsigned int i = 0; i < SLOTS_PER_CHUNK; i++) {
		chunk[i].next = free_slots;
		free_slots = &chunk[i];
	}
	return 0;
}

struct kept *kept_new(const void *msg, size_t len, uint8_t owner)
{
	struct kept *k;

	if (len > KEPT_MSG_BYTES) {
		errno = EMSGSIZE;
		return NULL;
	}
	if (!free_slots && chunk_add() < 0)
		return NULL;
	k = free_slots;
	free_slots = k->next;
	k->next = NULL;
	k->owner = owner;
	k->len = len;
	memcpy(k->msg, msg, len);
	return k;
}

void kept_free(struct kept *k)
{
	explicit_bzero(k, sizeof(*k));
	k->next = free_slots;
	free_slots = k;
}

struct kept_key kept_key_of(const xfrm_address_t *daddr,
			    uint32_t spi,
			    uint16_t family,
			    uint8_t proto)
{
	struct kept_key key = {.spi_be = spi, .family = family, .proto = proto};

	memcpy(key.daddr, daddr, family == AF_INET ? 4 : sizeof(key.daddr));
	return key;
}

static uint32_t bucket_of(const struct kept_key *key)
{
	const uint8_t *bytes = (const uint8_t *)key;
	uint32_t h = 2166136261u; /* FNV-1a */

	for (unsigned int i = 0; i < sizeof(*key); i++)
		h = (h ^ bytes[i]) * 16777619u;
	return (h ^ h >> 17) % BUCKETS;
}

struct kept *kept_find(const struct kept_key *key)
{
	struct kept *k = buckets[bucket_of(key)];

	while (k && memcmp(&k->key, key, sizeof(*key)))
		k = k->next;
	return k;
}

void kept_remove(const struct kept_key *key)
{
	struct kept **at = &buckets[bucket_of(key)];
	struct kept *k;

	while (*at && memcmp(&(*at)->key, key, sizeof(*key)))
		at = &(*at)->next;
	k = *at;
	if (!k)
		return;
	*at = k->next;
	n_sas--;
	kept_free(k);
}

int kept_put(struct kept *k, bool update, int64_t now)
{
	const struct kept *old = kept_find(&k->key);
	struct kept **at;

	k->made_ms = now;
	/* The same SA: what has been used stays used, and the kernel keeps its time of birth. */
	if (old && update) {
		k->made_ms = old->made_ms;
		if (old->bound > k->bound)
			k->bound = old->bound;
	}
	if (old)
		kept_remove(&k->key);
	if (n_sas == KEPT_MAX_SAS) {
		kept_free(k);
		return -ENOSPC;
	}
	at = &buckets[bucket_of(&k->key)];
	k->next = *at;
	*at = k;
	k->current = true;
	n_sas++;
	return 0;
}

static struct kept *slot_at(uint32_t i)
{
	return i / SLOTS_PER_CHUNK < n_chunks ? &chunks[i / SLOTS_PER_CHUNK][i % SLOTS_PER_CHUNK]
					      : NULL;
}

static bool proto_matches(uint8_t wanted, uint16_t proto)
{
	return wanted == 0 || wanted == proto ||
	       (wanted == PROTO_ANY &&
		(proto == IPPROTO_ESP || proto == IPPROTO_AH || proto == IPPROTO_COMP));
}

void kept_flush(uint8_t proto)
{
	struct kept *k;

	for (uint32_t i = 0; (k = slot_at(i)); i++) {
		struct kept_key key = k->key;

		if (k->current && proto_matches(proto, key.proto))
			kept_remove(&key);
	}
}

struct kept *kept_next(uint32_t *cursor, uint8_t owner)
{
	struct kept *k;

	while ((k = slot_at(*cursor))) {
		(*cursor)++;
		if (k->current && (k->owner == owner || k->owner == KEPT_NO_OWNER))
			return k;
	}
	return NULL;
}

void kept_disown(uint8_t owner)
{
	struct kept *k;

	for (uint32_t i = 0; (k = slot_at(i)); i++)
		if (k->current && k->owner == owner)
			k->owner = KEPT_NO_OWNER;
}

void kept_reset(void)
{
	memset(chunks, 0, sizeof(chunks));
	memset(buckets, 0, sizeof(buckets));
	free_slots = NULL;
	n_chunks = n_sas = 0;
}
