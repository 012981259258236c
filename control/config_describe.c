/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_describe: what a key takes, in words, from its row. Errors and the man page say the same,
 * because both come from here. Any thread.
 */
#include "config_schema.h"

#include <stdio.h>
#include <string.h>

#include "dataplane/dp.h"

static size_t names_join(const struct config_name *names, char *buf, size_t size)
{
	size_t n = 0;

	for (; names->name != NULL && n < size; names++)
		n += (size_t)snprintf(buf + n, size - n, "%s%s", n > 0 ? ", " : "", names->name);
	return n;
}

static void value_allowed(const struct config_key *key, char *buf, size_t size)
{
	switch (key->type) {
	case CONFIG_UINT:
	case CONFIG_POWER2:
		snprintf(buf, size, "%s from %llu to %llu",
			 key->type == CONFIG_UINT ? "number" : "power of two",
			 (unsigned long long)key->min, (unsigned long long)key->max);
		return;
	case CONFIG_BOOL:
		snprintf(buf, size, "true or false");
		return;
	case CONFIG_ENUM:
		snprintf(buf, size, "one of ");
		names_join(key->names, buf + strlen(buf), size - strlen(buf));
		return;
	case CONFIG_IFNAME:
		snprintf(buf, size,
			 "interface name of 1 to 15 letters, digits, '.', '_' or '-', "
			 "other than lo, all, default, . and ..");
		return;
	case CONFIG_DEVICE:
		snprintf(buf, size,
			 "PCI address (0000:3b:00.0) or vdev (net_af_packet0,iface=veth0), at "
			 "most 127 characters, no space or quote");
		return;
	case CONFIG_PATH:
		snprintf(buf, size, "absolute path of at most %u characters", (unsigned)key->max);
		return;
	case CONFIG_GROUP:
		snprintf(buf, size, "group name of 1 to %u letters, digits, '_' or '-'",
			 (unsigned)key->max);
		return;
	case CONFIG_NAME:
		snprintf(buf, size, "name of 1 to %u letters, digits, '.', '_' or '-'",
			 DP_NAME_LEN - 1);
		return;
	case CONFIG_SOURCE:
		snprintf(buf, size, "name or address of a port with role underlay or both");
		return;
	case CONFIG_WORD:
		snprintf(buf, size, "word of %u to %u printable ASCII characters without space",
			 (unsigned)key->min, (unsigned)key->max);
		return;
	case CONFIG_HOST:
		snprintf(buf, size, "unicast IPv4 address%s", key->names != NULL ? " or " : "");
		if (key->names != NULL)
			names_join(key->names, buf + strlen(buf), size - strlen(buf));
		return;
	case CONFIG_INTERFACE:
		snprintf(buf, size,
			 "unicast IPv4 address/length, length 1 to 32, neither the subnet's own "
			 "address nor its broadcast");
		return;
	case CONFIG_NETWORK:
		snprintf(buf, size, "IPv4 prefix/length without host bits");
		return;
	case CONFIG_SECTION:
		snprintf(buf, size, "mapping");
		return;
	case CONFIG_UNAVAILABLE:
		snprintf(buf, size, "not available in this version");
		return;
	}
}

const char *config_key_allowed(const struct config_key *key, char buf[CONFIG_DESCRIPTION_LEN])
{
	char one[CONFIG_DESCRIPTION_LEN - 32];

	value_allowed(key, one, sizeof(one));
	if (key->list_max > 0)
		snprintf(buf, CONFIG_DESCRIPTION_LEN, "list of at most %u, each: %s", key->list_max,
			 one);
	else
		snprintf(buf, CONFIG_DESCRIPTION_LEN, "%s", one);
	return buf;
}

const char *config_key_describe(const struct config_key *key, char buf[CONFIG_DESCRIPTION_LEN])
{
	size_t n;

	config_key_allowed(key, buf);
	n = strlen(buf);
	if (key->type == CONFIG_UNAVAILABLE && key->fallback != NULL)
		snprintf(buf + n, CONFIG_DESCRIPTION_LEN - n, ", except %s", key->fallback);
	else if (key->required)
		snprintf(buf + n, CONFIG_DESCRIPTION_LEN - n, ", required");
	else if (key->fallback != NULL)
		snprintf(buf + n, CONFIG_DESCRIPTION_LEN - n, ", default %s%s%s",
			 key->list_max > 0 ? "[" : "", key->fallback, key->list_max > 0 ? "]" : "");
	return buf;
}
