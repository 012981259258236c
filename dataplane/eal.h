/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "dp.h"

/* EAL's number for the lcore of worker i; the control core is 0. */
#define EAL_WORKER_LCORE(i) ((unsigned)(i) + 1)

/*
 * Starts EAL on the calling thread with memory for the plan. *huge says whether it is in
 * huge pages.
 * -ENOMEM, -ENODEV, -EINVAL as dp_start. Once per process: EAL cannot start twice.
 * Context: control.
 */
int eal_start(const struct dp_conf *conf, const struct dp_memory_plan *plan, bool *huge);
void eal_stop(void);

/* Bytes in free huge pages of all sizes below `sysfs` ("/sys/kernel/mm/hugepages"). Context: any.
 */
uint64_t eal_huge_bytes_free(const char *sysfs);
