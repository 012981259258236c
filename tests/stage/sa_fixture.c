/* SPDX-License-Identifier: Apache-2.0 */
/* sa_fixture: see sa_fixture.h. */
#include "sa_fixture.h"

#include "dataplane/dp_neigh.h"
#include "dataplane/dp_tunnel.h"

uint16_t sa_tunnel_add(uint32_t key, uint32_t profile)
{
	struct dp_tunnel_conf conf = {.source = stage_addr("192.0.2.1"),
				      .has_key = true,
				      .key = key,
				      .mtu = 1500,
				      .ttl = 64,
				      .network_id = key,
				      .profile = profile};
	uint16_t tunnel;

	snprintf(conf.name, sizeof(conf.name), "Tunnel%u", key);
	if (dp_tunnel_add(&conf, &tunnel) < 0)
		fail_msg("%s", dp_error());
	return tunnel;
}

uint32_t sa_spoke_add(uint16_t tunnel, const char *nbma, uint16_t natt_port)
{
	struct dp_spoke_key key = {
		.tunnel = tunnel, .nbma = stage_addr(nbma), .natt_port = natt_port};
	uint32_t spoke, neigh;

	if (dp_spoke_add(&key, &spoke) < 0)
		fail_msg("%s", dp_error());
	assert_int_equal(dp_neigh_get(stage.wan, &key.nbma, &neigh), 0);
	assert_int_equal(dp_spoke_neigh_set(spoke, neigh), 0);
	return spoke;
}

struct dp_sa_conf sa_conf(enum dp_sa_dir dir, const char *remote, uint32_t spi, uint32_t key)
{
	struct dp_sa_conf conf = {.dir = dir,
				  .alg = DP_SA_AES128_GCM,
				  .local = stage_addr("192.0.2.1"),
				  .remote = stage_addr(remote),
				  .spi = spi,
				  .profile = SA_PROFILE,
				  .replay_window = 64,
				  .bound = 1000000};

	for (unsigned i = 0; i < sizeof(conf.key); i++)
		conf.key[i] = (uint8_t)(key >> (i % 4 * 8)) ^ (uint8_t)(0xa5 + i * 7);
	return conf;
}

uint32_t sa_add(const struct dp_sa_conf *conf)
{
	uint32_t sa = 0;

	if (dp_sa_add(conf, &sa) < 0)
		fail_msg("%s", dp_error());
	assert_int_not_equal(sa, 0);
	return sa;
}

struct dp_sa_info sa_info(uint32_t sa)
{
	struct dp_sa_info info;

	assert_int_equal(dp_sa_info_get(sa, &info), 0);
	return info;
}

const struct adj *sa_adj(uint32_t spoke)
{
	return &adjs[spoke_adj(spoke)];
}
