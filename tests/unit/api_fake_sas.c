/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_fake_sas: a store that keeps the last SA it was given. Linked instead of control/sa and the
 * dataplane.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api_fakes.h"
#include "control/sa/sa.h"

struct dp_sa_conf fake_sa;
uint32_t fake_sa_handle; /* 0: none */

uint32_t sa_profile_find(const struct config *config, const char *name)
{
	(void)config;
	return strcmp(name, "dmvpn") == 0 ? 1 : 0;
}

const char *sa_profile_name(const struct config *config, uint32_t profile)
{
	(void)config;
	return profile == 1 ? "dmvpn" : "?";
}

int sa_store_add(struct sa_store *s, struct dp_sa_conf *conf, uint32_t *sa, struct sa_fault *fault)
{
	(void)s;
	if (conf->profile == 0) {
		fault->field = "protection";
		snprintf(fault->allowed, sizeof(fault->allowed), "dmvpn");
		return -EINVAL;
	}
	fake_sa = *conf;
	fake_sa_handle = 7;
	*sa = fake_sa_handle;
	return 0;
}

int sa_store_del(struct sa_store *s, uint32_t sa)
{
	(void)s;
	fake_sa_handle = 0;
	return sa == 7 ? 0 : -ENOENT;
}

void sa_store_info_get(const struct sa_store *s, struct sa_store_info *info)
{
	(void)s;
	*info = (struct sa_store_info){.sas = fake_sa_handle != 0, .capacity = 4096, .file = true};
}

int dp_sa_info_get(uint32_t sa, struct dp_sa_info *info)
{
	if (sa != fake_sa_handle || sa == 0)
		return -ENOENT;
	memset(info, 0, sizeof(*info));
	info->dir = fake_sa.dir;
	info->alg = fake_sa.alg;
	info->local = fake_sa.local;
	info->remote = fake_sa.remote;
	info->natt_port = fake_sa.natt_port;
	info->spi = fake_sa.spi;
	info->profile = fake_sa.profile;
	info->esn = fake_sa.esn;
	info->replay_window = fake_sa.replay_window;
	info->seq = fake_sa.seq;
	info->bound = fake_sa.seq + DP_SA_BOUND_BLOCK;
	info->idle_ms = UINT64_MAX;
	return 0;
}

unsigned dp_sa_list(uint32_t *cursor, uint32_t *sas, unsigned max)
{
	if (*cursor != 0 || fake_sa_handle == 0 || max == 0)
		return 0;
	*cursor = 1;
	sas[0] = fake_sa_handle;
	return 1;
}

uint32_t dp_sa_find(enum dp_sa_dir dir,
		    const struct dp_addr *local,
		    const struct dp_addr *remote,
		    uint32_t spi)
{
	if (fake_sa_handle == 0 || dir != fake_sa.dir || spi != fake_sa.spi ||
	    !dp_addr_equal(local, &fake_sa.local) ||
	    (dir == DP_SA_OUT && !dp_addr_equal(remote, &fake_sa.remote)))
		return 0;
	return fake_sa_handle;
}

const char *dp_error(void)
{
	return "";
}
