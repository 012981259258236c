/* SPDX-License-Identifier: Apache-2.0 */
/* Reader of captures of ESP and of their keys: see esp_capture.h. */
#include "esp_capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ETH_BYTES  14
#define LINK_ETH   1
#define LINK_RAW   101
#define PROTO_UDP  17
#define PROTO_ESP  50
#define NATT_PORT  4500
#define LINE_BYTES 512
#define SA_LINE                                                                      \
	"\"IPv4\",\"%15[0-9.]\",\"%15[0-9.]\",\"0x%x\",\"AES-GCM with 16 octet ICV " \
	"[RFC4106]\",\"0x%72[0-9a-f]\",\"NULL\""

static FILE *file_open(const char *name, const char *ending)
{
	char path[LINE_BYTES];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.%s", ESP_CAPTURES, name, ending);
	f = fopen(path, "rb");
	if (f == NULL)
		fail_msg("%s: cannot be read", path);
	return f;
}

static void key_read(struct esp_capture_sa *sa, const char *hex)
{
	sa->key_bytes = (uint32_t)strlen(hex) / 2;
	assert_in_range(sa->key_bytes, 20, sizeof(sa->key));
	for (uint32_t i = 0; i < sa->key_bytes; i++) {
		char digits[3] = {hex[2 * i], hex[2 * i + 1], 0};

		sa->key[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
}

/* tshark's preference "esp_sa". */
static void sas_read(struct esp_capture *c)
{
	FILE *f = file_open(c->name, "esp_sa");
	char line[LINE_BYTES], hex[2 * 36 + 1];

	while (fgets(line, sizeof(line), f) != NULL) {
		struct esp_capture_sa *sa = &c->sas[c->sa_count++];

		assert_in_range(c->sa_count, 1, ESP_CAPTURE_SAS);
		assert_int_equal(sscanf(line, SA_LINE, sa->src, sa->dst, &sa->spi, hex), 4);
		key_read(sa, hex);
	}
	assert_in_range(c->sa_count, 1, ESP_CAPTURE_SAS);
	fclose(f);
}

static FILE *pcap_open(const char *name, const char *ending, uint32_t link)
{
	FILE *f = file_open(name, ending);
	uint32_t head[6];

	assert_int_equal(fread(head, sizeof(head), 1, f), 1);
	assert_int_equal(head[0], 0xa1b2c3d4);
	assert_int_equal(head[5], link);
	return f;
}

/* Of the next packet; 0 at the end. */
static uint16_t pcap_next(FILE *f, uint8_t *bytes)
{
	static uint8_t record[65536];
	uint32_t head[4];

	if (fread(head, sizeof(head), 1, f) != 1)
		return 0;
	assert_in_range(head[2], 1, sizeof(record));
	assert_int_equal(fread(record, head[2], 1, f), 1);
	if (head[2] > ESP_CAPTURE_BYTES_MAX) /* IKE: not ours */
		return 1;
	memcpy(bytes, record, head[2]);
	return (uint16_t)head[2];
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* Finds SPI to ICV (RFC 3948: port 4500 and no zero marker); false: something else. */
static bool esp_find(struct esp_capture_packet *p)
{
	const uint8_t *ip = p->frame + ETH_BYTES;
	uint16_t head, total;

	if (p->frame_len < ETH_BYTES + 20 || be16(p->frame + 12) != 0x0800)
		return false;
	head = (uint16_t)((ip[0] & 15) * 4);
	total = be16(ip + 2);
	assert_in_range(total, head, p->frame_len - ETH_BYTES);
	p->esp = (uint16_t)(ETH_BYTES + head);
	p->esp_len = (uint16_t)(total - head);
	p->udp = ip[9] == PROTO_UDP;
	if (p->udp) {
		if (be16(ip + head) != NATT_PORT && be16(ip + head + 2) != NATT_PORT)
			return false;
		p->esp += 8;
		p->esp_len -= 8;
		return p->esp_len > 8 && be32(p->frame + p->esp) != 0;
	}
	return ip[9] == PROTO_ESP;
}

static const struct esp_capture_sa *sa_of(const struct esp_capture *c, uint32_t spi)
{
	for (unsigned i = 0; i < c->sa_count; i++)
		if (c->sas[i].spi == spi)
			return &c->sas[i];
	fail_msg("%s: no key for SPI 0x%08x", c->name, spi);
	return NULL;
}

/* With ESN the number goes on where the low half starts again; no capture starts beyond it. */
static uint64_t seq_of(const struct esp_capture *c, const struct esp_capture_packet *p)
{
	uint32_t low = be32(p->frame + p->esp + 4);
	uint64_t last = 0;

	for (unsigned i = 0; i < c->packet_count; i++)
		if (c->packets[i].sa == p->sa)
			last = c->packets[i].seq;
	if (!c->esn)
		return low;
	return (last & ~(uint64_t)UINT32_MAX) +
	       (low + 0x80000000ULL < (uint32_t)last ? 1ULL << 32 : 0) + low;
}

void esp_capture_load(struct esp_capture *c, const char *name, bool esn)
{
	FILE *wire, *plain;
	uint16_t len;

	memset(c, 0, sizeof(*c));
	c->name = name;
	c->esn = esn;
	sas_read(c);
	wire = pcap_open(name, "pcap", LINK_ETH);
	plain = pcap_open(name, "plain.pcap", LINK_RAW);
	while ((len = pcap_next(wire, c->packets[c->packet_count].frame)) != 0) {
		struct esp_capture_packet *p = &c->packets[c->packet_count];

		p->frame_len = len;
		if (len == 1 || !esp_find(p))
			continue;
		p->sa = sa_of(c, be32(p->frame + p->esp));
		p->seq = seq_of(c, p);
		p->plain_len = pcap_next(plain, p->plain);
		assert_in_range(p->plain_len, 21, ESP_CAPTURE_BYTES_MAX);
		assert_in_range(++c->packet_count, 1, ESP_CAPTURE_PACKETS - 1);
	}
	assert_int_equal(pcap_next(plain, c->packets[c->packet_count].plain), 0);
	fclose(wire);
	fclose(plain);
}
