/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * NETLINK_XFRM messages about ESP SAs as values: what an IKE daemon asks a kernel for (redirect),
 * and what a kernel tells (mirror). Layouts: the kernel's <linux/xfrm.h>; lengths of keys are in
 * bits there, and that of an AEAD holds the salt.
 *
 * Pure: any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/dp_sa.h"

#define XFRM_TEXT_LEN 96

/* Why an SA is not one that this hub can serve; told by name, shown to the operator. */
#define XFRM_FAULT_LIST(X)                                                           \
	X(NONE, "none", "taken")                                                     \
	X(PROTOCOL, "protocol", "not ESP")                                           \
	X(MODE, "mode", "not transport mode")                                        \
	X(FAMILY, "family", "not IPv4")                                              \
	X(SELECTOR, "selector", "its selector is of another protocol than GRE")      \
	X(ALGORITHM, "algorithm", "an algorithm or a length that is not served")     \
	X(KEY, "key", "all key bytes are zero: the kernel hides them from us")       \
	X(ENCAPSULATION, "encapsulation", "UDP encapsulation other than RFC 3948's") \
	X(WINDOW, "replay-window", "a replay window above 4096")

enum xfrm_fault {
#define X(id, name, help) XFRM_FAULT_##id,
	XFRM_FAULT_LIST(X)
#undef X
};

/* For logs and JSON. */
const char *xfrm_fault_name(enum xfrm_fault fault);

/* What XFRM_MSG_NEWSA, UPDSA and the SA inside of EXPIRE say. Holds keys: wipe it. */
struct xfrm_sa {
	struct dp_addr src, dst;
	uint32_t spi; /* host order */
	uint32_t reqid, seq;
	uint32_t mark, mark_mask, if_id;
	uint8_t proto, mode;
	uint8_t selector_proto; /* 0: any */
	bool larval;            /* no key yet: only an SPI was taken */
	bool esn;
	bool has_encap;
	uint16_t encap_type, encap_src_port, encap_dst_port; /* ports in host order */
	uint32_t replay_window;                              /* packets */
	uint64_t seq_out, seq_in;                            /* last used, highest seen */
	enum dp_sa_alg alg;                                  /* DP_SA_ALG_COUNT: not served */
	char alg_text[XFRM_TEXT_LEN];                        /* the kernel's names and bits */
	uint8_t key[DP_SA_KEY_MAX];
	uint8_t auth_key[DP_SA_AUTH_KEY_MAX];
	struct dp_sa_limits limits;
};

/*
 * bytes: one netlink message, header included. -EBADMSG: lengths do not fit, in the fixed part, an
 * attribute or a key; -ENOMSG: another type. *sa is zeroed when it fails.
 */
int xfrm_sa_parse(const uint8_t *bytes, size_t len, struct xfrm_sa *sa);
/* Whether we can serve it, whatever the configuration allows. Not for larval ones. */
enum xfrm_fault xfrm_sa_check(const struct xfrm_sa *sa);
/* For dp_sa_add: of `dir`; profile and bound are the caller's. xfrm_sa_check was NONE. Holds keys.
 */
void xfrm_sa_conf(const struct xfrm_sa *sa, enum dp_sa_dir dir, struct dp_sa_conf *conf);
/* Zeroes it, keys first; not optimised away. */
void xfrm_sa_wipe(struct xfrm_sa *sa);

/* What XFRM_MSG_DELSA and GETSA name. */
struct xfrm_sa_id {
	struct dp_addr dst, src; /* src unset: not said */
	uint32_t spi;            /* host order */
	uint8_t proto;
};
/* As xfrm_sa_parse. */
int xfrm_sa_id_parse(const uint8_t *bytes, size_t len, struct xfrm_sa_id *id);

/* XFRM_MSG_ALLOCSPI: an SPI of min to max, host order. */
struct xfrm_spi_range {
	struct dp_addr src, dst;
	uint32_t min, max;
	uint32_t reqid;
	uint8_t proto, mode;
};
int xfrm_spi_range_parse(const uint8_t *bytes, size_t len, struct xfrm_spi_range *range);
