/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ESP security associations in transport mode (RFC 4303, RFC 4106, RFC 7634, RFC 3948), each one
 * direction. An inbound SA is found by (local address, SPI), an outbound one by its peer =
 * (local address, remote address, NAT-T port): the newest live one sends. The handle is a number
 * >= 1 and is reused after a grace period.
 *
 * Invariant 8 of DESIGN: workers send only with sequence numbers below `bound`, which the caller
 * has stored outside of the process before it raises it here (dp_sa_bound_set). An outbound counter
 * belongs to the key, see `seq`.
 *
 * Context: control, all of it.
 */
#include "dp.h"
#include "dp_addr.h"

#define DP_SA_KEY_MAX      36 /* bytes: AES-256 or ChaCha20 key and 4 bytes of salt */
#define DP_SA_AUTH_KEY_MAX 64 /* bytes: HMAC-SHA-512 */
#define DP_SA_WINDOW_MAX   4096
#define DP_SA_BOUND_BLOCK  (1U << 20) /* numbers reserved at once */

/* id, name as in the configuration and in strongSwan's proposals, key bytes with salt, HMAC key
 * bytes, IV bytes on the wire, ICV bytes, block that the payload is padded to. */
#define DP_SA_ALG_LIST(X)                                         \
	X(AES128_GCM, "aes128gcm16", 20, 0, 8, 16, 4)             \
	X(AES192_GCM, "aes192gcm16", 28, 0, 8, 16, 4)             \
	X(AES256_GCM, "aes256gcm16", 36, 0, 8, 16, 4)             \
	X(CHACHA20_POLY1305, "chacha20poly1305", 36, 0, 8, 16, 4) \
	X(AES128_CBC_SHA1, "aes128-sha1", 16, 20, 16, 12, 16)     \
	X(AES256_CBC_SHA1, "aes256-sha1", 32, 20, 16, 12, 16)     \
	X(AES128_CBC_SHA256, "aes128-sha256", 16, 32, 16, 16, 16) \
	X(AES256_CBC_SHA256, "aes256-sha256", 32, 32, 16, 16, 16) \
	X(AES128_CBC_SHA384, "aes128-sha384", 16, 48, 16, 24, 16) \
	X(AES256_CBC_SHA384, "aes256-sha384", 32, 48, 16, 24, 16) \
	X(AES128_CBC_SHA512, "aes128-sha512", 16, 64, 16, 32, 16) \
	X(AES256_CBC_SHA512, "aes256-sha512", 32, 64, 16, 32, 16) \
	X(NULL_SHA1, "null-sha1", 0, 20, 0, 12, 4)                \
	X(NULL_SHA256, "null-sha256", 0, 32, 0, 16, 4)            \
	X(NULL_SHA384, "null-sha384", 0, 48, 0, 24, 4)            \
	X(NULL_SHA512, "null-sha512", 0, 64, 0, 32, 4)

enum dp_sa_alg {
#define X(id, name, key, auth_key, iv, icv, block) DP_SA_##id,
	DP_SA_ALG_LIST(X)
#undef X
		DP_SA_ALG_COUNT
};

struct dp_sa_alg_info {
	const char *name;
	uint8_t key_bytes; /* with the 4 bytes of salt of a counter mode */
	uint8_t auth_key_bytes;
	uint8_t iv_bytes; /* on the wire */
	uint8_t icv_bytes;
	uint8_t block_bytes; /* of padding */
};
/* NULL beyond the last. Any context. */
const struct dp_sa_alg_info *dp_sa_alg_info(enum dp_sa_alg alg);
/* By name; DP_SA_ALG_COUNT when there is none. Any context. */
enum dp_sa_alg dp_sa_alg_find(const char *name);

enum dp_sa_dir { DP_SA_IN, DP_SA_OUT };

/* A limit of 0 is none. Soft ones are told once, at a hard one the SA stops. */
struct dp_sa_limits {
	uint64_t soft_bytes, hard_bytes; /* of ESP payload before padding */
	uint64_t soft_pkts, hard_pkts;
	uint32_t soft_s, hard_s; /* since dp_sa_add */
};

struct dp_sa_conf {
	enum dp_sa_dir dir;
	enum dp_sa_alg alg;
	struct dp_addr local, remote; /* outer addresses */
	uint16_t natt_port;           /* remote UDP port (RFC 3948), host order; 0: plain ESP */
	uint16_t natt_local_port;     /* ours, with natt_port; 0: 4500 */
	uint32_t spi;                 /* host order, > 255 */
	uint32_t profile;             /* protection of tunnels that it may serve; 1.. */
	uint32_t identity;            /* authenticated IKE identity, 0: unknown */
	bool esn;
	uint16_t replay_window;     /* packets: 0 (off), 32 to 4096; of inbound SAs */
	uint8_t key[DP_SA_KEY_MAX]; /* cipher key, then salt */
	uint8_t auth_key[DP_SA_AUTH_KEY_MAX];
	/* Outbound: the last number used; the next is seq + 1. Inbound: the highest one seen. */
	uint64_t seq;
	uint64_t bound; /* outbound: numbers <= bound may be used */
	struct dp_sa_limits limits;
};

/*
 * Adds an SA; it is usable by workers when this returns (a worker sees it on its next packet). Keys
 * are copied; the caller wipes its own. An outbound SA becomes the peer's sender at once. One with
 * the same direction, addresses and SPI is replaced (make before break); an outbound one that has
 * the key of a live or deleted SA of this process goes on at the higher of both counters. A live
 * one with this key and SPI goes first, whoever's it is, and the call waits until no worker uses it
 * any more (one turn; 100 ms at most), unless nothing but limits, profile, identity and bound
 * change. -EINVAL: field and value in dp_error; -ENOTSUP: this CPU cannot do the algorithm;
 * -ENOSPC: dp_limits.sas; -EAGAIN: a worker is stuck.
 */
int dp_sa_add(const struct dp_sa_conf *conf, uint32_t *sa);
/* The peer's newest remaining outbound SA sends from now on. Keys are wiped after the grace period.
 * -ENOENT, -EAGAIN. */
int dp_sa_del(uint32_t sa);
/* 0 when there is none. `remote` is compared for outbound SAs only. */
uint32_t dp_sa_find(enum dp_sa_dir dir,
		    const struct dp_addr *local,
		    const struct dp_addr *remote,
		    uint32_t spi);
/* Outbound: numbers up to `bound` may be used; it never falls. -ENOENT. */
int dp_sa_bound_set(uint32_t sa, uint64_t bound);
/* The peer is behind another address and port now (RFC 3948 section 5, RFC 7296 section 2.23):
 * moves all SAs and spokes of the peer, in place. -ENOENT, -EEXIST: there is such a peer already.
 */
int dp_sa_peer_move(uint32_t sa, const struct dp_addr *remote, uint16_t natt_port);

#define DP_SA_SALT_BYTES  32
#define DP_SA_PRINT_BYTES 16
/* Names the key of an SA without saying it: SipHash under `salt`, which is random and
 * the caller's. For what is kept outside of the process. Pure. */
void dp_sa_print(const struct dp_sa_conf *conf,
		 const uint8_t salt[DP_SA_SALT_BYTES],
		 uint8_t print[DP_SA_PRINT_BYTES]);

enum dp_sa_state { DP_SA_LIVE, DP_SA_EXPIRED /* hard limit, or no number left */ };

struct dp_sa_info {
	enum dp_sa_dir dir;
	enum dp_sa_alg alg;
	enum dp_sa_state state;
	struct dp_addr local, remote;
	uint16_t natt_port, natt_local_port;
	uint32_t spi;
	uint32_t profile;
	uint32_t identity;
	bool esn;
	bool sender; /* outbound: the one that the peer's packets take */
	uint16_t replay_window;
	uint16_t overhead; /* bytes around an inner packet at worst: outer IP to ICV, without GRE */
	uint32_t home;     /* worker */
	uint64_t seq, bound;
	uint64_t pkts, bytes;
	uint64_t bad_icv, replayed; /* inbound */
	uint64_t age_ms, idle_ms;   /* idle: since the last packet; UINT64_MAX: never used */
	uint64_t replay_bitmap[DP_SA_WINDOW_MAX / 64]; /* bit n: seq - n was seen */
};
/* Without keys: they leave the dataplane never. -ENOENT. */
int dp_sa_info_get(uint32_t sa, struct dp_sa_info *info);
/* Handles of at most max SAs from *cursor on (start with 0); returns how many, 0 at the end. */
unsigned dp_sa_list(uint32_t *cursor, uint32_t *sas, unsigned max);
uint32_t dp_sa_count(void);

enum dp_sa_event_kind {
	DP_SA_SOFT,      /* soft limit: rekey */
	DP_SA_HARD,      /* hard limit: it does not work any more */
	DP_SA_BOUND_LOW, /* outbound: less than half a block of numbers is left: raise the bound */
	DP_SA_MOVED,     /* inbound: an authenticated packet that advanced the window came from
			    elsewhere (NAT-T); at most once per second and peer */
	DP_SA_WANTED, /* a packet for a peer without outbound SA; at most once per second and peer
		       */
};
struct dp_sa_event {
	enum dp_sa_event_kind kind;
	uint32_t sa;                  /* 0 for DP_SA_WANTED */
	struct dp_addr local, remote; /* of the peer; for DP_SA_MOVED remote is the new address */
	uint16_t natt_port;
	uint16_t tunnel; /* of DP_SA_WANTED */
};
typedef void (*dp_sa_event_fn)(void *ctx, const struct dp_sa_event *event);
/* Called from dp_poll. */
void dp_sa_event_handler_set(dp_sa_event_fn fn, void *ctx);

/* A peer whose inbound ESP came in on other workers than its home. */
struct dp_sa_home {
	uint32_t peer; /* a number that no other peer has at this time */
	struct dp_addr local, remote;
	uint16_t natt_port;
	uint32_t home; /* worker */
	/* Since the last look: */
	uint64_t pkts;                        /* authentic ones, on whichever worker */
	uint64_t handed_pkts[DP_WORKERS_MAX]; /* to its home, by the worker that they came in on */
};
/* At most `max` peers one of whose inbound SAs had min_pkts handed over since the last look, from
 * *cursor on (start with 0); returns how many, 0 at the end. Who had less loses the count, not its
 * packets: those of the next row reach back to the last one. So a peer is seen to come in at home
 * too much in its first row, and while it changes from one SA to another; never too little. */
unsigned dp_sa_home_look(uint32_t *cursor,
			 uint32_t min_pkts,
			 struct dp_sa_home *rows,
			 unsigned max);
/* The peer of this row moves, with all its SAs, without a break. -EAGAIN: the last move is not
 * over; -ENOENT: no such peer or worker. */
int dp_sa_home_set(const struct dp_sa_home *row, uint32_t worker);

/*
 * ESP whose SPI no SA of ours has goes to the port's twin when this says so: the kernel's own SAs,
 * other VPNs of the same IKE daemon. A set of (local address, SPI); -ENOSPC.
 */
int dp_sa_foreign_add(const struct dp_addr *local, uint32_t spi);
int dp_sa_foreign_del(const struct dp_addr *local, uint32_t spi);

/* A path MTU that an ICMP error told for the peer of a live SPI or adjacency (checked here against
 * what we sent; RFC 4301 section 8.2): bytes of the outer packet, 576 or more and smaller than now;
 * forgotten after 10 minutes. -EINVAL, -ENOENT. */
int dp_peer_mtu_set(const struct dp_addr *local,
		    const struct dp_addr *remote,
		    uint16_t natt_port,
		    uint16_t mtu);
