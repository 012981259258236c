/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What --help prints. conf/man/dmvpn-spokes.8 says the same at length: change both. */
extern const char help_text[];
