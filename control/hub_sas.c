/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub_sas: the store of security associations, where its API finds it, and the IKE daemon that they
 * come from. Context: control.
 */
#include "hub.h"

#include <errno.h>
#include <string.h>

#include "control/ike/ike_redirect.h"
#include "control/log.h"
#include "control/sa/sa.h"

static bool redirect_is_used(const struct config *config)
{
	for (uint32_t i = 0; i < config->tunnel_count; i++) {
		uint32_t profile = config->tunnels[i].profile;

		if (profile != 0 &&
		    config->protections[profile - 1].ike.source == CONFIG_IKE_REDIRECT)
			return true;
	}
	return false;
}

static int redirect_start(struct hub *hub)
{
	int rc;

	if (!redirect_is_used(hub->config))
		return 0;
	rc = ike_redirect_new(hub->base, hub->config->control_xfrm_socket, hub->config, hub->sas,
			      &hub->ike);
	if (rc == 0)
		sa_store_event_set(hub->sas, ike_redirect_event, hub->ike);
	return rc;
}

int hub_sas_init(struct hub *hub)
{
	struct sa_store_conf conf = {.config = hub->config, .spokes = hub->spokes};
	int rc = sa_store_new(&conf, &hub->sas);

	if (rc < 0) {
		log_sys("SAs: %s", strerror(-rc));
		return rc;
	}
	rc = redirect_start(hub);
	if (rc < 0) {
		sa_store_free(hub->sas);
		hub->sas = NULL;
		return rc;
	}
	hub->sources.sas = hub->sas;
	return 0;
}

void hub_sas_fini(struct hub *hub)
{
	hub->sources.sas = NULL;
	sa_store_event_set(hub->sas, NULL, NULL);
	ike_redirect_free(hub->ike);
	hub->ike = NULL;
	sa_store_free(hub->sas);
	hub->sas = NULL;
}
