/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The captures of tests/vectors/esp: every ESP packet, plain or in UDP, with the key of its SA, its
 * full sequence number, and what it says in clear. Fails the test where a file is not what it
 * should be. ESP_CAPTURES is the folder's path, from the build.
 */
#include <stdbool.h>
#include <stdint.h>

#define ESP_CAPTURE_SAS       8
#define ESP_CAPTURE_PACKETS   128
#define ESP_CAPTURE_BYTES_MAX 512

struct esp_capture_sa {
	char src[16], dst[16]; /* as the SA's owner sees them, not as a NAT shows them */
	uint32_t spi;
	uint8_t key[36]; /* with the salt */
	uint32_t key_bytes;
};

struct esp_capture_packet {
	uint8_t frame[ESP_CAPTURE_BYTES_MAX]; /* Ethernet */
	uint16_t frame_len;
	uint16_t esp, esp_len; /* where SPI to ICV is in it */
	bool udp;
	const struct esp_capture_sa *sa;
	uint64_t seq;                         /* the high half only where the capture has ESN */
	uint8_t plain[ESP_CAPTURE_BYTES_MAX]; /* IP, protocol restored */
	uint16_t plain_len;
};

struct esp_capture {
	const char *name;
	bool esn;
	struct esp_capture_sa sas[ESP_CAPTURE_SAS];
	unsigned sa_count;
	struct esp_capture_packet packets[ESP_CAPTURE_PACKETS];
	unsigned packet_count;
};

/* Reads NAME.esp_sa, NAME.pcap and NAME.plain.pcap. */
void esp_capture_load(struct esp_capture *c, const char *name, bool esn);
