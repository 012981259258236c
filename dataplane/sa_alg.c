/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sa_alg: the table of ESP algorithms, by number and by name. Pure, without EAL: the control core,
 * its unit tests and the workers use it; any thread may call.
 */
#include "dp_sa.h"

#include <string.h>

#define X(id, name, key, auth_key, iv, icv, block) \
	[DP_SA_##id] = {name, key, auth_key, iv, icv, block},
static const struct dp_sa_alg_info infos[DP_SA_ALG_COUNT] = {DP_SA_ALG_LIST(X)};
#undef X

#define X(id, name, key, auth_key, iv, icv, block)                                 \
	_Static_assert((key) <= DP_SA_KEY_MAX && (auth_key) <= DP_SA_AUTH_KEY_MAX, \
		       name ": keys fit into dp_sa_conf");
DP_SA_ALG_LIST(X)
#undef X

const struct dp_sa_alg_info *dp_sa_alg_info(enum dp_sa_alg alg)
{
	return (unsigned)alg < DP_SA_ALG_COUNT ? &infos[alg] : NULL;
}

enum dp_sa_alg dp_sa_alg_find(const char *name)
{
	unsigned alg = 0;

	while (alg < DP_SA_ALG_COUNT && strcmp(infos[alg].name, name) != 0)
		alg++;
	return alg;
}
