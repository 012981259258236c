/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The ingress filter of raw interfaces in nftables: table "netdev dmvpn-hub", one chain "in-<name>"
 * per interface with policy drop and no rule. Private to control/net/. Context: control.
 */

/* Each is one transaction, idempotent. 0 or -errno; net_error() says more. */
int net_nft_drop_install(const char *ifname);
/* The table goes with its last chain. */
int net_nft_drop_remove(const char *ifname);
