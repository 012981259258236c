/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sa_conf: what dp_sa_add does not take, with field, value and limit in dp_error. Pure but for that
 * text. Thread: control core.
 */
#include <errno.h>
#include <inttypes.h>

#include "dp_priv.h"
#include "sa_priv.h"

static int refuse(const struct dp_sa_conf *conf,
		  const char *field,
		  uint64_t value,
		  const char *what)
{
	return dp_error_set(-EINVAL, "SA %#x: %s: %" PRIu64 ": %s", conf->spi, field, value, what);
}

bool sa_address_is_good(const struct dp_addr *a)
{
	return a->family == AF_INET && !dp_addr_is_any(a) && !dp_addr_is_multicast(a) &&
	       !dp_addr_is_broadcast(a);
}

static int check_addresses(const struct dp_sa_conf *conf)
{
	char text[DP_ADDR_STRLEN];

	if (!sa_address_is_good(&conf->local))
		return dp_error_set(-EINVAL, "SA %#x: local: %s: no IPv4 unicast address",
				    conf->spi, dp_addr_format(&conf->local, text));
	if (!sa_address_is_good(&conf->remote))
		return dp_error_set(-EINVAL, "SA %#x: remote: %s: no IPv4 unicast address",
				    conf->spi, dp_addr_format(&conf->remote, text));
	if (conf->natt_local_port != 0 && conf->natt_port == 0)
		return refuse(conf, "natt_local_port", conf->natt_local_port, "without natt_port");
	return 0;
}

static int check_limits(const struct dp_sa_conf *conf)
{
	const struct dp_sa_limits *l = &conf->limits;

	if (l->hard_bytes != 0 && l->soft_bytes > l->hard_bytes)
		return refuse(conf, "limits.soft_bytes", l->soft_bytes, "more than the hard limit");
	if (l->hard_pkts != 0 && l->soft_pkts > l->hard_pkts)
		return refuse(conf, "limits.soft_pkts", l->soft_pkts, "more than the hard limit");
	if (l->hard_s != 0 && l->soft_s > l->hard_s)
		return refuse(conf, "limits.soft_s", l->soft_s, "more than the hard limit");
	return 0;
}

int sa_conf_check(const struct dp_sa_conf *conf)
{
	if (conf->dir != DP_SA_IN && conf->dir != DP_SA_OUT)
		return refuse(conf, "dir", conf->dir, "0 (in) or 1 (out)");
	if (dp_sa_alg_info(conf->alg) == NULL)
		return refuse(conf, "alg", conf->alg, "no such algorithm");
	if (conf->spi < 256)
		return refuse(conf, "spi", conf->spi, "reserved, RFC 4303 section 2.1");
	if (conf->profile == 0 || conf->profile > UINT8_MAX)
		return refuse(conf, "profile", conf->profile, "1 to 255");
	if (conf->replay_window != 0 &&
	    (conf->replay_window < 32 || conf->replay_window > DP_SA_WINDOW_MAX))
		return refuse(conf, "replay_window", conf->replay_window, "0, 32 to 4096");
	if (!conf->esn && conf->seq >= UINT32_MAX)
		return refuse(conf, "seq", conf->seq, "no number of 32 bits is left");
	if (check_addresses(conf) < 0)
		return -EINVAL;
	return check_limits(conf);
}
