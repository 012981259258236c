/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The XFRM parser: a message as everything it could be; what is taken must be an SA that the
 * dataplane can be given, and what is not leaves no key behind.
 */
#include <stdlib.h>

#include "control/ike/xfrm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void sa_check(struct xfrm_sa *sa)
{
	struct dp_sa_conf conf;

	if (memchr(sa->alg_text, '\0', sizeof(sa->alg_text)) == NULL)
		abort();
	if (xfrm_sa_check(sa) != XFRM_FAULT_NONE)
		return;
	if (dp_sa_alg_info(sa->alg) == NULL || sa->dst.family != AF_INET ||
	    sa->src.family != AF_INET || sa->larval)
		abort();
	xfrm_sa_conf(sa, DP_SA_IN, &conf);
	if (conf.replay_window > DP_SA_WINDOW_MAX || conf.replay_window % 32 != 0)
		abort();
	xfrm_sa_conf(sa, DP_SA_OUT, &conf);
	if (conf.replay_window != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct xfrm_sa none;
	struct xfrm_spi_range range;
	struct xfrm_sa_id id;
	struct xfrm_sa sa;

	if (xfrm_sa_parse(data, size, &sa) == 0)
		sa_check(&sa);
	else if (memcmp(&sa, &none, sizeof(sa)) != 0)
		abort();
	if (xfrm_sa_id_parse(data, size, &id) == 0 && id.dst.family == 0)
		abort();
	if (xfrm_spi_range_parse(data, size, &range) == 0 && range.min > range.max)
		abort();
	return 0;
}
