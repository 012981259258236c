/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "dp_priv.h"

/* Buffers that each core may keep for itself. */
#define PLAN_MBUF_CACHE     256
#define PLAN_BIG_MBUF_CACHE 32

/* Headroom and data room of a large buffer: what reassembly makes, and tailroom. */
#define PLAN_BIG_MBUF_BYTES (RTE_PKTMBUF_HEADROOM + DP_REASS_BYTES_MAX + DP_ENCAP_TAILROOM)

/* Headroom and data room of a buffer for frames of this MTU, with DP_ENCAP_TAILROOM behind them. */
uint16_t plan_mbuf_data_bytes(uint32_t mtu);
