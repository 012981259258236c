/* SPDX-License-Identifier: Apache-2.0 */
/*
 * methods_sas: ESP security associations by hand, and the list of all there are. Keys come in as
 * hexadecimal text and never go out again; every buffer that held one is wiped (api_wipe.c, and
 * here what is on the stack).
 */
#include <arpa/inet.h>
#include <string.h>

#include "control/sa/sa.h"
#include "dataplane/dp_sa.h"
#include "methods.h"

#define CHUNK       64 /* handles copied at once */
#define WINDOW_AUTO UINT16_MAX

const struct rpc_param sa_add_params[] = {
	{"direction", RPC_TEXT, 1, 8, 0, "in or out", true},
	{"local", RPC_TEXT, 2, 45, 0, "our address: the source of a tunnel", true},
	{"remote", RPC_TEXT, 2, 45, 0, "the peer's address", true},
	{"spi", RPC_UINT, 256, UINT32_MAX, 0, "of the receiver", true},
	{"protection", RPC_TEXT, 1, 31, 0, "a profile of the configuration", true},
	{"algorithm", RPC_TEXT, 1, 31, 0, "as in the configuration", true},
	{"key", RPC_SECRET, 0, 2 * DP_SA_KEY_MAX, 0,
	 "cipher key in hexadecimal; of counter modes followed by 4 bytes of salt"},
	{"auth_key", RPC_SECRET, 0, 2 * DP_SA_AUTH_KEY_MAX, 0, "HMAC key in hexadecimal"},
	{"esn", RPC_BOOL, 0, 1, 0, "extended sequence numbers"},
	{"replay_window", RPC_UINT, 0, DP_SA_WINDOW_MAX, WINDOW_AUTO,
	 "packets, in steps of 32; default the profile's"},
	{"natt_port", RPC_UINT, 0, UINT16_MAX, 0, "UDP port of the peer behind a NAT; 0: none"},
	{"sequence", RPC_UINT, 0, INT64_MAX, 0,
	 "last number used (out) or highest one seen (in); 0 for new keys"},
	{"soft_bytes", RPC_UINT, 0, INT64_MAX, 0, "an event says: rekey; 0: none"},
	{"hard_bytes", RPC_UINT, 0, INT64_MAX, 0, "the SA stops; 0: none"},
	{"soft_packets", RPC_UINT, 0, INT64_MAX, 0, "as soft_bytes"},
	{"hard_packets", RPC_UINT, 0, INT64_MAX, 0, "as hard_bytes"},
	{"soft_seconds", RPC_UINT, 0, UINT32_MAX, 0, "as soft_bytes"},
	{"hard_seconds", RPC_UINT, 0, UINT32_MAX, 0, "as hard_bytes"},
	{NULL},
};

const struct rpc_param sa_delete_params[] = {
	{"direction", RPC_TEXT, 1, 8, 0, "in or out", true},
	{"local", RPC_TEXT, 2, 45, 0, "our address", true},
	{"remote", RPC_TEXT, 2, 45, 0, "the peer's address; needed for out"},
	{"spi", RPC_UINT, 256, UINT32_MAX, 0, "of the receiver", true},
	{NULL},
};

/* -1: refused, the call says why. */
static int direction_get(struct rpc_call *call, enum dp_sa_dir *dir)
{
	const char *text = rpc_param_text(call, "direction");

	if (strcmp(text, "in") == 0)
		*dir = DP_SA_IN;
	else if (strcmp(text, "out") == 0)
		*dir = DP_SA_OUT;
	else
		return rpc_param_refuse(call, "direction", "in, out"), -1;
	return 0;
}

static int addr_get(struct rpc_call *call, const char *name, struct dp_addr *addr)
{
	const char *text = rpc_param_text(call, name);

	if (!text || dp_addr_parse(addr, text) < 0 || addr->family != AF_INET) {
		rpc_param_refuse(call, name, "an IPv4 address");
		return -1;
	}
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static int key_get(struct rpc_call *call, const char *name, uint8_t *key, unsigned bytes)
{
	const char *text = rpc_param_text(call, name);
	char allowed[64];

	snprintf(allowed, sizeof(allowed), "%u hexadecimal digits", 2 * bytes);
	if (!text)
		text = "";
	if (strlen(text) != 2UL * bytes) {
		rpc_param_refuse(call, name, allowed);
		return -1;
	}
	for (unsigned i = 0; i < bytes; i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0) {
			rpc_param_refuse(call, name, allowed);
			return -1;
		}
		key[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

static void limits_get(const struct rpc_call *call, struct dp_sa_limits *limits)
{
	limits->soft_bytes = rpc_param_uint(call, "soft_bytes");
	limits->hard_bytes = rpc_param_uint(call, "hard_bytes");
	limits->soft_pkts = rpc_param_uint(call, "soft_packets");
	limits->hard_pkts = rpc_param_uint(call, "hard_packets");
	limits->soft_s = (uint32_t)rpc_param_uint(call, "soft_seconds");
	limits->hard_s = (uint32_t)rpc_param_uint(call, "hard_seconds");
}

/* Everything but the keys. */
static int conf_get(struct rpc_call *call, struct dp_sa_conf *conf)
{
	const struct config *config = method_env(call)->sources->config;

	if (direction_get(call, &conf->dir) < 0 || addr_get(call, "local", &conf->local) < 0 ||
	    addr_get(call, "remote", &conf->remote) < 0)
		return -1;
	conf->alg = dp_sa_alg_find(rpc_param_text(call, "algorithm"));
	if (conf->alg == DP_SA_ALG_COUNT) {
		rpc_param_refuse(call, "algorithm", "an algorithm of the configuration's words");
		return -1;
	}
	conf->profile = sa_profile_find(config, rpc_param_text(call, "protection"));
	conf->spi = (uint32_t)rpc_param_uint(call, "spi");
	conf->natt_port = (uint16_t)rpc_param_uint(call, "natt_port");
	conf->esn = rpc_param_uint(call, "esn") != 0;
	conf->replay_window = (uint16_t)rpc_param_uint(call, "replay_window");
	conf->seq = rpc_param_uint(call, "sequence");
	limits_get(call, &conf->limits);
	return 0;
}

static json_t *add(struct rpc_call *call, struct dp_sa_conf *conf)
{
	const struct api_sources *src = method_env(call)->sources;
	const struct dp_sa_alg_info *info;
	struct sa_fault fault;
	struct dp_sa_info sa_info;
	uint32_t sa;

	if (conf_get(call, conf) < 0)
		return NULL;
	info = dp_sa_alg_info(conf->alg);
	if (key_get(call, "key", conf->key, info->key_bytes) < 0 ||
	    key_get(call, "auth_key", conf->auth_key, info->auth_key_bytes) < 0)
		return NULL;
	if (!src->sas)
		return rpc_param_refuse(call, "sa", "nothing before the hub serves");
	if (sa_store_add(src->sas, conf, &sa, &fault) < 0)
		return rpc_param_refuse(call, fault.field, fault.allowed);
	if (dp_sa_info_get(sa, &sa_info) < 0)
		return NULL;
	return json_pack("{s:I, s:I, s:I}", "sa", (json_int_t)sa, "sequence",
			 (json_int_t)sa_info.seq, "bound", (json_int_t)sa_info.bound);
}

json_t *method_sa_add(struct rpc_call *call)
{
	struct dp_sa_conf conf = {0};
	json_t *result = add(call, &conf);

	explicit_bzero(&conf, sizeof(conf));
	return result;
}

json_t *method_sa_delete(struct rpc_call *call)
{
	const struct api_sources *src = method_env(call)->sources;
	struct dp_addr local, remote = {0};
	enum dp_sa_dir dir = DP_SA_IN;
	uint32_t sa;

	if (direction_get(call, &dir) < 0 || addr_get(call, "local", &local) < 0)
		return NULL;
	if ((dir == DP_SA_OUT || rpc_param_text(call, "remote")) &&
	    addr_get(call, "remote", &remote) < 0)
		return NULL;
	sa = dp_sa_find(dir, &local, &remote, (uint32_t)rpc_param_uint(call, "spi"));
	if (sa == 0 || !src->sas)
		return rpc_param_refuse(call, "spi", "that of an SA that there is");
	if (sa_store_del(src->sas, sa) < 0)
		return rpc_param_refuse(call, "spi", dp_error());
	return json_pack("{s:I}", "sa", (json_int_t)sa);
}

static json_t *idle_json(const struct dp_sa_info *info)
{
	return info->idle_ms == UINT64_MAX ? json_null()
					   : json_integer((json_int_t)(info->idle_ms / 1000));
}

static json_t *sa_json(const struct api_sources *src, uint32_t sa)
{
	struct dp_sa_info i;
	char spi[16];

	if (dp_sa_info_get(sa, &i) < 0)
		return json_null();
	snprintf(spi, sizeof(spi), "0x%08x", i.spi);
	return json_pack(
		"{s:I, s:s, s:s, s:s, s:o, s:o, s:i, s:s, s:s, s:b, s:b, s:i, s:i, s:i, s:I, s:I, "
		"s:I, s:I, s:I, s:I, s:I, s:o}",
		"sa", (json_int_t)sa, "direction", i.dir == DP_SA_IN ? "in" : "out", "spi", spi,
		"state", i.state == DP_SA_LIVE ? "live" : "expired", "local", page_addr(&i.local),
		"remote", page_addr(&i.remote), "natt_port", i.natt_port, "protection",
		sa_profile_name(src->config, i.profile), "algorithm", dp_sa_alg_info(i.alg)->name,
		"esn", i.esn, "sender", i.sender, "replay_window", i.replay_window, "overhead",
		i.overhead, "worker", (int)i.home, "sequence", (json_int_t)i.seq, "bound",
		(json_int_t)i.bound, "pkts", (json_int_t)i.pkts, "bytes", (json_int_t)i.bytes,
		"bad_icv", (json_int_t)i.bad_icv, "replayed", (json_int_t)i.replayed, "age_s",
		(json_int_t)(i.age_ms / 1000), "idle_s", idle_json(&i));
}

static json_t *store_set(json_t *result, const struct sa_store *store)
{
	struct sa_store_info info = {0};

	if (store)
		sa_store_info_get(store, &info);
	json_object_set_new(result, "sas_max", json_integer(info.capacity));
	json_object_set_new(result, "sas_used", json_integer(info.sas));
	json_object_set_new(result, "sequence_file",
			    json_pack("{s:b, s:I, s:I, s:I, s:I, s:I}", "in_use", info.file, "keys",
				      (json_int_t)info.bounds_keys, "keys_max",
				      (json_int_t)info.bounds_max, "forgotten",
				      (json_int_t)info.bounds_forgotten, "writes",
				      (json_int_t)info.bounds_writes, "failed",
				      (json_int_t)info.bounds_failed));
	return result;
}

json_t *method_sa_list(struct rpc_call *call)
{
	const struct api_sources *src = method_env(call)->sources;
	uint32_t handles[CHUNK], cursor;
	struct page page;
	unsigned n = 0;

	if (page_cursor32_get(call, &cursor) < 0)
		return page_cursor_refuse(call);
	page_begin(&page, call, "sas");
	while (src->sas && page.left > 0) {
		n = dp_sa_list(&cursor, handles, page_room(&page, CHUNK));
		for (unsigned i = 0; i < n; i++)
			page_add(&page, sa_json(src, handles[i]));
		if (n == 0)
			break;
	}
	return store_set(page_end_at(&page, n > 0, cursor), src->sas);
}
