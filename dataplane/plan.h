/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "dp_priv.h"

/* Buffers that each core may keep for itself. */
#define PLAN_MBUF_CACHE 256

/* Headroom and data room of a buffer for frames of this MTU, with DP_ENCAP_TAILROOM behind them. */
uint16_t plan_mbuf_data_bytes(uint32_t mtu);
