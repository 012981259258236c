/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The thread that stands between the IKE daemon's sockets and dmvpnd. Context: any thread.
 */
#include <stdint.h>

#define PROXY_MAX_CLIENTS 64

/* The IKE daemon's end of a new client's socket pair, its type flags as for socket(); -1, errno. */
int proxy_open(int type_flags, uint8_t *client);
/* Multicast groups are these from now on; the first call lets the client connect. */
void proxy_bind(uint8_t client, uint32_t groups);
void proxy_join(uint8_t client, uint32_t groups);
