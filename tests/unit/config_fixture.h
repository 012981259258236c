/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One good document and the means to change a place of it. The number of CPUs is the test's:
 * link with -Wl,--wrap=sysconf.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/config.h"

#define GOOD                                                    \
	"dataplane:\n"                                          \
	"  control-lcore: 0\n"                                  \
	"  worker-lcores: [1, 3]\n"                             \
	"  huge-pages: off\n"                                   \
	"  idle: sleep\n"                                       \
	"  limits: {spokes: 100}\n"                             \
	"control:\n"                                            \
	"  socket: /tmp/hub.sock\n"                             \
	"  group: dmvpn\n"                                      \
	"ports:\n" /* line 10 */                                \
	"  - name: wan0\n"                                      \
	"    device: net_af_packet0,iface=v-wan\n"              \
	"    role: underlay\n"                                  \
	"    mtu: 1500\n"                                       \
	"    queues: 3\n"                                       \
	"    descriptors: 512\n"                                \
	"    addresses: [192.0.2.1/24]\n"                       \
	"  - name: lan0\n"                                      \
	"    device: '0000:3b:00.1'\n"                          \
	"    role: lan\n" /* line 20 */                         \
	"    addresses: [10.1.1.1/24, 10.1.1.2/24]\n"           \
	"routes:\n"                                             \
	"  - {prefix: 0.0.0.0/0, via: 192.0.2.254}\n"           \
	"  - {prefix: 10.1.31.0/24, via: 10.255.0.31}\n"        \
	"  - {prefix: 10.0.0.0/8, blackhole: true}\n"           \
	"tunnels:\n"                                            \
	"  - name: Tunnel42\n"                                  \
	"    source: wan0\n"                                    \
	"    key: 42\n"                                         \
	"    addresses: [10.255.0.1/24]\n" /* line 30 */        \
	"    ttl: 64\n"                                         \
	"    mtu: 1400\n"                                       \
	"    nhrp:\n"                                           \
	"      network-id: 77\n"                                \
	"      holdtime: 600\n"                                 \
	"      redirect: true\n"                                \
	"      map:\n"                                          \
	"        - {protocol: 10.255.0.31, nbma: 192.0.2.31}\n" \
	"  - {name: T2, source: wan0, addresses: [10.254.0.1/24], nhrp: {network-id: 77}}\n"

long __real_sysconf(int name);
long __wrap_sysconf(int name);

long __wrap_sysconf(int name)
{
	return name == _SC_NPROCESSORS_CONF ? 4 : __real_sysconf(name);
}

/* GOOD with the first `old` replaced; the caller frees. */
static inline char *text_changed(const char *old, const char *new)
{
	const char *at = strstr(GOOD, old);
	char *text = malloc(strlen(GOOD) + strlen(new) + 1);

	if (at == NULL)
		fail_msg("the good document has no '%s'", old);
	sprintf(text, "%.*s%s%s", (int)(at - GOOD), GOOD, new, at + strlen(old));
	return text;
}

/* It must be good, too. */
static inline struct config *parse_changed(const char *old, const char *new)
{
	char *text = text_changed(old, new);
	struct config_error err;
	struct config *config = config_parse("good.yaml", text, strlen(text), &err);

	free(text);
	assert_string_equal(err.text, "");
	assert_non_null(config);
	return config;
}
