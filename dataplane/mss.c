/* SPDX-License-Identifier: Apache-2.0 */
/* mss: TCP MSS clamp, see mss.h. Any thread. */
#include "mss.h"

#define TCP_HEADER_MIN 20
#define TCP_FLAG_SYN   0x02
#define OPTION_END     0
#define OPTION_NOP     1
#define OPTION_MSS     2
#define OPTION_MSS_LEN 4

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* Offset of the MSS value; 0: there is none. */
static uint32_t mss_find(const uint8_t *tcp, uint32_t header_len)
{
	uint32_t at = TCP_HEADER_MIN;

	while (at + 1 < header_len && tcp[at] != OPTION_END) {
		if (tcp[at] == OPTION_NOP) {
			at++;
			continue;
		}
		if (tcp[at + 1] < 2 || at + tcp[at + 1] > header_len)
			return 0;
		if (tcp[at] == OPTION_MSS && tcp[at + 1] == OPTION_MSS_LEN)
			return at + 2;
		at += tcp[at + 1];
	}
	return 0;
}

/* The checksum after 16 bits at `offset` changed. At an odd offset the two bytes stand in two words
 * of the sum, which swaps them. */
static void checksum_update(uint8_t *tcp, uint32_t offset, uint16_t old, uint16_t new)
{
	uint32_t sum;

	if (offset & 1) {
		old = (uint16_t)(old << 8 | old >> 8);
		new = (uint16_t)(new << 8 | new >> 8);
	}
	sum = (uint16_t)~get16(tcp + 16) + (uint32_t)(uint16_t)~old + new;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	put16(tcp + 16, (uint16_t)~sum);
}

bool tcp_mss_clamp(uint8_t *tcp, uint32_t len, uint16_t mss)
{
	uint32_t header_len, at;
	uint16_t old;

	if (len < TCP_HEADER_MIN || (tcp[13] & TCP_FLAG_SYN) == 0)
		return false;
	header_len = (uint32_t)(tcp[12] >> 4) * 4;
	if (header_len < TCP_HEADER_MIN || header_len > len)
		return false;
	at = mss_find(tcp, header_len);
	if (at == 0)
		return false;
	old = get16(tcp + at);
	if (old <= mss)
		return false;
	put16(tcp + at, mss);
	checksum_update(tcp, at, old, mss);
	return true;
}
