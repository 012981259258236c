/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NHRP codec: what decodes must encode, and decode again to the same. The checksum is made right
 * first (else nearly every input would end there); the input is also tried as it is.
 */
#include "tests/unit/nhrp_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void exts_decode(const struct nhrp_packet *p)
{
	struct nhrp_cie cies[8];
	struct nhrp_fault fault;
	struct nhrp_auth auth;
	struct nhrp_vendor vendor;

	for (unsigned i = 0; i < p->ext_count; i++) {
		uint8_t buf[8 * (NHRP_CIE_LEN + 32)];
		int n = nhrp_ext_cies_decode(p, &p->exts[i], cies, 8, &fault);

		if (n > 0 &&
		    (nhrp_cies_encode(p, cies, (unsigned)n, buf, sizeof(buf)) != p->exts[i].len))
			abort();
		nhrp_ext_auth_decode(&p->exts[i], &auth);
		nhrp_ext_vendor_decode(&p->exts[i], &vendor);
	}
}

static void decode(const uint8_t *bytes, size_t size)
{
	static uint8_t out[NHRP_PACKET_MAX];
	struct nhrp_packet p, again, head;
	struct nhrp_fault fault;
	int n, err = nhrp_head_decode(&head, bytes, size);

	if (nhrp_packet_decode(&p, bytes, size, &fault) < 0) {
		if (fault.bad == NHRP_BAD_NONE || fault.offset > size)
			abort();
		return;
	}
	if (err < 0 || head.type != p.type || !dp_addr_equal(&head.src_proto, &p.src_proto))
		abort();
	exts_decode(&p);
	n = nhrp_packet_encode(&p, out, sizeof(out));
	if (n < 0 || (size_t)n > size)
		abort();
	if (nhrp_packet_decode(&again, out, (size_t)n, &fault) < 0 || !nhrp_packet_same(&p, &again))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;

	if (size > NHRP_PACKET_MAX)
		return 0;
	decode(data, size);
	copy = malloc(size + 1);
	if (copy && size >= NHRP_FIXED_LEN) {
		size_t len = (size_t)(data[10] << 8 | data[11]);
		uint16_t sum;

		memcpy(copy, data, size);
		copy[12] = copy[13] = 0;
		sum = nhrp_checksum(copy, len < size ? len : size);
		copy[12] = (uint8_t)(sum >> 8);
		copy[13] = (uint8_t)sum;
		copy = realloc(copy, size);
		decode(copy, size);
	}
	free(copy);
	return 0;
}
