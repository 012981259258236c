/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub_sas: the store of security associations, and where its API finds it. Context: control.
 */
#include "hub.h"

#include <errno.h>
#include <string.h>

#include "control/log.h"
#include "control/sa/sa.h"

int hub_sas_init(struct hub *hub)
{
	struct sa_store_conf conf = {.config = hub->config, .spokes = hub->spokes};
	int rc = sa_store_new(&conf, &hub->sas);

	if (rc < 0) {
		log_sys("SAs: %s", strerror(-rc));
		return rc;
	}
	hub->sources.sas = hub->sas;
	return 0;
}

void hub_sas_fini(struct hub *hub)
{
	hub->sources.sas = NULL;
	sa_store_free(hub->sas);
	hub->sas = NULL;
}
