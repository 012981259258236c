/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The NHRP codec against bytes that lie: each field with values it must refuse, by name and offset;
 * every flipped bit; too many of everything; extension values; what the encoder must refuse.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "nhrp_fixture.h"
#include "tests/vectors/nhrp/synthetic.h"

#define REG     nhrp_cisco_registration
#define REG_LEN sizeof(nhrp_cisco_registration)

static void seal(uint8_t *bytes, size_t len)
{
	uint16_t sum;

	bytes[12] = bytes[13] = 0;
	sum = nhrp_checksum(bytes, len);
	bytes[12] = (uint8_t)(sum >> 8);
	bytes[13] = (uint8_t)sum;
}

/* One or two bytes of a good registration changed, checksum right again. Offsets: fixed part 0,
 * mandatory part 20, CIE 40, extensions 52 (3), 56 (4), 60 (5), 64 (9), its CIE 68, 88 (End). */
static void test_hostile_fields(void **state)
{
	static const struct {
		const char *what;
		uint16_t at, width, value;
		enum nhrp_bad bad;
		uint16_t offset;
	} rows[] = {
		{"afn 0", 0, 2, 0, NHRP_BAD_NBMA_FAMILY, 0},
		{"afn NSAP", 0, 2, 3, NHRP_BAD_NBMA_FAMILY, 0},
		{"afn IPv6 with 4-byte addresses", 0, 2, 2, NHRP_BAD_ADDR_LEN, 18},
		{"protocol type SNAP", 2, 2, 0x0080, NHRP_BAD_PROTO_TYPE, 2},
		{"protocol type IPv6", 2, 2, 0x86dd, NHRP_BAD_ADDR_LEN, 20},
		{"size 0", 10, 2, 0, NHRP_BAD_SIZE, 10},
		{"size of the head less one", 10, 2, 27, NHRP_BAD_SIZE, 10},
		{"size one too many", 10, 2, 93, NHRP_BAD_TRUNCATED, 10},
		{"size 65535", 10, 2, 65535, NHRP_BAD_TRUNCATED, 10},
		{"version 0 (MARS)", 16, 1, 0, NHRP_BAD_VERSION, 16},
		{"version 2", 16, 1, 2, NHRP_BAD_VERSION, 16},
		{"type 0", 17, 1, 0, NHRP_BAD_TYPE, 17},
		{"type 9", 17, 1, 9, NHRP_BAD_TYPE, 17},
		{"type 255", 17, 1, 255, NHRP_BAD_TYPE, 17},
		{"NBMA length 3", 18, 1, 3, NHRP_BAD_ADDR_LEN, 18},
		{"NBMA length 16", 18, 1, 16, NHRP_BAD_ADDR_LEN, 18},
		{"NBMA reserved bit", 18, 1, 0x84, NHRP_BAD_ADDR_LEN, 18},
		{"NBMA E.164", 18, 1, 0x44, NHRP_BAD_ADDR_LEN, 18},
		{"subaddress", 19, 1, 4, NHRP_BAD_SUBADDR, 19},
		{"extensions inside the head", 14, 2, 27, NHRP_BAD_EXT_OFFSET, 14},
		{"extensions behind the end", 14, 2, 93, NHRP_BAD_EXT_OFFSET, 14},
		{"extensions inside the addresses", 14, 2, 39, NHRP_BAD_TRUNCATED, 36},
		{"extensions inside the CIE", 14, 2, 51, NHRP_BAD_TRUNCATED, 40},
		{"extensions shifted into the CIE list", 14, 2, 53, NHRP_BAD_TRUNCATED, 52},
		{"source protocol length 5", 20, 1, 5, NHRP_BAD_ADDR_LEN, 20},
		{"destination protocol length 255", 21, 1, 255, NHRP_BAD_ADDR_LEN, 21},
		{"CIE NBMA length 1", 48, 1, 1, NHRP_BAD_ADDR_LEN, 48},
		{"CIE subaddress", 49, 1, 1, NHRP_BAD_SUBADDR, 49},
		{"CIE protocol length 16", 50, 1, 16, NHRP_BAD_ADDR_LEN, 50},
		{"CIE addresses that are not there", 48, 1, 4, NHRP_BAD_TRUNCATED, 52},
		{"extension longer than the rest", 66, 2, 25, NHRP_BAD_EXT_LEN, 64},
		{"extension of 65535", 54, 2, 65535, NHRP_BAD_EXT_LEN, 52},
		{"End with a length", 90, 2, 1, NHRP_BAD_EXT_LEN, 88},
		{"End in the middle with a length", 64, 2, 0, NHRP_BAD_EXT_LEN, 64},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t *b = malloc(REG_LEN);
		struct nhrp_packet p;
		struct nhrp_fault fault;
		int err;

		memcpy(b, REG, REG_LEN);
		if (rows[i].width == 2)
			b[rows[i].at] = (uint8_t)(rows[i].value >> 8);
		b[rows[i].at + rows[i].width - 1] = (uint8_t)rows[i].value;
		seal(b, REG_LEN);
		err = nhrp_packet_decode(&p, b, REG_LEN, &fault);
		if (err != -nhrp_bad_errno(rows[i].bad) || fault.bad != rows[i].bad ||
		    fault.offset != rows[i].offset)
			fail_msg("%s: %d, %s at %u", rows[i].what, err, nhrp_bad_name(fault.bad),
				 fault.offset);
		free(b);
	}
}

/* What the RFC tells a receiver to ignore. */
static void test_ignored_fields(void **state)
{
	static const uint16_t ignored[] = {4,  5, 6, 7, 8 /* ar$pro.snap */,
					   42, 43 /* CIE unused */};

	(void)state;
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
		uint8_t b[REG_LEN];
		struct nhrp_packet p;
		struct nhrp_fault fault;

		memcpy(b, REG, REG_LEN);
		b[ignored[i]] ^= 0x55;
		seal(b, REG_LEN);
		assert_int_equal(nhrp_packet_decode(&p, b, REG_LEN, &fault), 0);
		assert_int_equal(p.request_id, 0x10001);
	}
}

/* The checksum catches every single flipped bit that no other check has caught. */
static void test_flipped_bits(void **state)
{
	unsigned by_checksum = 0;

	(void)state;
	for (size_t bit = 0; bit < REG_LEN * 8; bit++) {
		uint8_t b[REG_LEN];
		struct nhrp_packet p;
		struct nhrp_fault fault;

		memcpy(b, REG, REG_LEN);
		b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_true(nhrp_packet_decode(&p, b, REG_LEN, &fault) < 0);
		by_checksum += fault.bad == NHRP_BAD_CHECKSUM;
	}
	/* All but the version octet and sizes that are too small or too big by themselves. */
	assert_true(by_checksum >= (REG_LEN - 3) * 8);
}

/* An odd length is summed as if a zero followed (RFC 2332 section 5.1). */
static void test_checksum_odd(void **state)
{
	static const uint8_t odd[] = {0x12, 0x34, 0x56}, even[] = {0x12, 0x34, 0x56, 0x00};

	(void)state;
	assert_int_equal(nhrp_checksum(odd, 3), 0x97cb);
	assert_int_equal(nhrp_checksum(even, 4), 0x97cb);
	assert_int_equal(nhrp_checksum(nhrp_cisco_traffic, sizeof(nhrp_cisco_traffic)), 0);
}

static void test_too_many(void **state)
{
	uint8_t buf[2048];
	struct nhrp_packet p, q;
	struct nhrp_fault fault;
	int n;

	(void)state;
	nhrp_packet_init(&p, NHRP_TYPE_PURGE_REQUEST, AF_INET, AF_INET);
	memset(p.cies, 0, sizeof(p.cies));
	p.cie_count = NHRP_CIES_MAX;
	while (nhrp_ext_add(&p, NHRP_EXT_VENDOR, 0, REG, 3) == 0)
		;
	assert_int_equal(p.ext_count, NHRP_EXTS_MAX);
	n = nhrp_packet_encode(&p, buf, sizeof(buf));
	assert_int_equal(nhrp_packet_decode(&q, buf, (size_t)n, &fault), 0);
	assert_true(nhrp_packet_same(&p, &q));

	/* One extension more: the three bytes of a vendor ID behind the others. */
	memcpy(buf + n, buf + n - 7, 7);
	buf[10] = (uint8_t)((n + 7) >> 8);
	buf[11] = (uint8_t)(n + 7);
	seal(buf, (size_t)n + 7);
	assert_int_equal(nhrp_packet_decode(&q, buf, (size_t)n + 7, &fault), -E2BIG);
	assert_int_equal(fault.bad, NHRP_BAD_EXT_COUNT);
	assert_int_equal(fault.offset, n);

	/* One CIE more: the extension part starts 12 bytes later and holds End only. */
	size_t ext_off = 28 + (NHRP_CIES_MAX + 1) * NHRP_CIE_LEN, len = ext_off + 4;

	memset(buf + 28, 0, len - 28);
	buf[ext_off] = 0x80;
	buf[10] = (uint8_t)(len >> 8);
	buf[11] = (uint8_t)len;
	buf[14] = (uint8_t)(ext_off >> 8);
	buf[15] = (uint8_t)ext_off;
	seal(buf, len);
	assert_int_equal(nhrp_packet_decode(&q, buf, len, &fault), -E2BIG);
	assert_int_equal(fault.bad, NHRP_BAD_CIE_COUNT);
	assert_int_equal(fault.offset, ext_off - NHRP_CIE_LEN);
}

static void test_ext_values(void **state)
{
	struct nhrp_packet p;
	struct nhrp_fault fault;
	struct nhrp_cie cies[4];
	struct nhrp_auth auth;
	struct nhrp_vendor vendor;
	const struct nhrp_ext *e;
	struct nhrp_ext devcap = {.type = NHRP_EXT_NAT, .len = NHRP_DEVCAP_LEN};

	(void)state;
	assert_int_equal(nhrp_packet_decode(&p, REG, REG_LEN, &fault), 0);
	e = nhrp_ext_find(&p, NHRP_EXT_NAT);
	assert_non_null(e);
	assert_true(nhrp_ext_is_nat(e));
	assert_false(nhrp_ext_is_nat(&devcap));
	assert_int_equal(e->flags, 0);
	assert_int_equal(e->offset, 64);
	assert_int_equal(nhrp_ext_cies_decode(&p, e, cies, 4, &fault), 1);
	assert_int_equal(cies[0].mtu, 17916);
	assert_int_equal(nhrp_ext_cies_decode(&p, e, cies, 0, &fault), -E2BIG);
	assert_int_equal(fault.offset, 68);
	/* Cut inside the CIE: the offset is one of the whole packet. */
	struct nhrp_ext cut = *e;

	cut.len = 11;
	assert_int_equal(nhrp_ext_cies_decode(&p, &cut, cies, 4, &fault), -EMSGSIZE);
	assert_int_equal(fault.offset, 68);
	cut.len = 17;
	assert_int_equal(nhrp_ext_cies_decode(&p, &cut, cies, 4, &fault), -EMSGSIZE);
	assert_int_equal(fault.offset, 84);

	assert_int_equal(nhrp_packet_decode(&p, nhrp_registration_ip6,
					    sizeof(nhrp_registration_ip6), &fault),
			 0);
	assert_int_equal(nhrp_ext_count(&p, NHRP_EXT_VENDOR), 2);
	assert_int_equal(nhrp_ext_vendor_decode(nhrp_ext_find(&p, NHRP_EXT_VENDOR), &vendor), 0);
	assert_int_equal(vendor.oui, 0x00000c);
	assert_int_equal(vendor.data_len, 3);
	assert_memory_equal(vendor.data, "abc", 3);
	assert_int_equal(nhrp_ext_auth_decode(nhrp_ext_find(&p, NHRP_EXT_AUTHENTICATION), &auth),
			 0);
	assert_int_equal(auth.spi, NHRP_AUTH_SPI_CISCO);
	assert_int_equal(auth.secret_len, 6);
	assert_memory_equal(auth.secret, "secret", 6);
	e = nhrp_ext_find(&p, 0x3801);
	assert_non_null(e);
	assert_int_equal(e->flags, NHRP_EXT_F_COMPULSORY | NHRP_EXT_F_UNUSED);
	assert_null(nhrp_ext_find(&p, NHRP_EXT_NAT));
}

static void test_ext_values_short(void **state)
{
	static const uint8_t three[] = {0, 0, 1};
	struct nhrp_ext e = {.value = three, .len = 3};
	struct nhrp_auth auth;
	struct nhrp_vendor vendor;
	uint8_t buf[16];

	(void)state;
	assert_int_equal(nhrp_ext_auth_decode(&e, &auth), -EBADMSG);
	assert_int_equal(nhrp_ext_vendor_decode(&e, &vendor), 0);
	e.len = 2;
	assert_int_equal(nhrp_ext_vendor_decode(&e, &vendor), -EBADMSG);
	e.len = 0;
	assert_int_equal(nhrp_ext_auth_decode(&e, &auth), -EBADMSG);
	assert_int_equal(nhrp_auth_encode("", buf, sizeof(buf)), -EINVAL);
	assert_int_equal(nhrp_auth_encode("12345678", buf, sizeof(buf)), 12);
	assert_int_equal(nhrp_auth_encode("123456789", buf, sizeof(buf)), -EINVAL);
	assert_int_equal(nhrp_auth_encode("12345678", buf, 11), -EMSGSIZE);
}

static void test_encode_refuses(void **state)
{
	struct nhrp_packet good, p;
	struct nhrp_fault fault;
	uint8_t buf[256];
	struct dp_addr ip6;

	(void)state;
	assert_int_equal(dp_addr_parse(&ip6, "fd00::1"), 0);
	assert_int_equal(nhrp_packet_decode(&good, REG, REG_LEN, &fault), 0);
#define REFUSED(change)                                                              \
	do {                                                                         \
		p = good;                                                            \
		change;                                                              \
		assert_int_equal(nhrp_packet_encode(&p, buf, sizeof(buf)), -EINVAL); \
	} while (0)
	REFUSED(p.type = 0);
	REFUSED(p.type = 9);
	REFUSED(p.nbma_family = 0);
	REFUSED(p.proto_family = AF_UNIX);
	REFUSED(p.src_nbma = ip6);
	REFUSED(p.src_proto = ip6);
	REFUSED(p.dst_proto = ip6);
	REFUSED(p.cies[0].nbma = ip6);
	REFUSED(p.cies[0].proto = ip6);
	REFUSED(p.cie_count = NHRP_CIES_MAX + 1);
	REFUSED(p.ext_count = NHRP_EXTS_MAX + 1);
	REFUSED(p.payload_len = 1; p.payload = buf);
	REFUSED(p.type = NHRP_TYPE_ERROR_INDICATION);
	REFUSED(p.exts[0].type = 0x8003);
	REFUSED(p.exts[0].len = 1; p.exts[0].value = NULL);
}

static void test_names(void **state)
{
	char buf[NHRP_NAME_LEN];

	(void)state;
	assert_string_equal(nhrp_type_name(3, buf), "registration-request");
	assert_string_equal(nhrp_type_name(42, buf), "type-42");
	assert_string_equal(nhrp_cie_code_name(11, buf), "no-binding");
	assert_string_equal(nhrp_cie_code_name(12, buf), "no-binding");
	assert_string_equal(nhrp_cie_code_name(255, buf), "code-255");
	assert_string_equal(nhrp_error_code_name(3, buf), "loop-detected");
	assert_string_equal(nhrp_error_code_name(15, buf), "hop-count-exceeded");
	assert_string_equal(nhrp_ext_name(9, buf), "nat-address");
	assert_string_equal(nhrp_ext_name(0x3fff, buf), "ext-16383");
	assert_string_equal(nhrp_error_code_name(4294967295u, buf), "code-4294967295");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hostile_fields),
		cmocka_unit_test(test_ignored_fields),
		cmocka_unit_test(test_flipped_bits),
		cmocka_unit_test(test_checksum_odd),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_ext_values),
		cmocka_unit_test(test_ext_values_short),
		cmocka_unit_test(test_encode_refuses),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
