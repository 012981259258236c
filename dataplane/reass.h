/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Reassembly of outer fragments, see reass.c.
 */
#include "worker.h"

/* -ENOMEM. Context: control. */
int reass_init(struct dp_worker *w);
/* reass_flush comes first. Context: control. */
void reass_fini(struct dp_worker *w);

/*
 * Takes a fragment of an outer packet to us; data starts at its IPv4 header, which is right and as
 * long as it says. Packets that are complete now are in w->reass_done. Context: worker.
 */
void reass_fragment(struct dp_worker *w, struct rte_mbuf *m);
/* Drops what stayed incomplete too long. Context: worker, once per turn while w->reass_held. */
void reass_expire(struct dp_worker *w);
/* Drops everything that is held. Context: control, worker stopped. */
void reass_flush(struct dp_worker *w);
