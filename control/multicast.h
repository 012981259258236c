/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The multicast map of the configuration (`map multicast`): which groups registered spokes get,
 * which go to spokes by NBMA address, which come from LAN ports.
 *
 * Context: control.
 */
#include "control/config.h"
#include "control/spoke.h"

/*
 * Takes the map of a tunnel to the dataplane and to the table of spokes; before it has spokes.
 * Static entries refer to their spoke as long as the tunnel is there. 0, or -errno logged.
 */
int multicast_tunnel_add(struct spoke_table *spokes,
			 uint16_t tunnel,
			 const struct config_tunnel *conf,
			 uint64_t now_ms);
