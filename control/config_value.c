/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_value: one scalar of the document into one field, as its row of the schema says. Pure
 * functions over the text; any thread.
 *
 * Numbers are decimal without sign and without leading zeros: YAML 1.1 reads 010 as eight and 1.2
 * as ten, so neither is taken. Addresses are IPv4 only until IPv6 is forwarded.
 */
#include "config_priv.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int number_parse(const char *text, uint64_t *value)
{
	char *end;

	if (!isdigit((unsigned char)text[0]) || (text[0] == '0' && text[1] != '\0'))
		return -EINVAL;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return *end != '\0' || errno != 0 ? -EINVAL : 0;
}

/* The field's width is the struct's business, not the schema's. */
static int number_put(void *field, size_t size, uint64_t value)
{
	uint8_t u8 = (uint8_t)value;
	uint16_t u16 = (uint16_t)value;
	uint32_t u32 = (uint32_t)value;

	switch (size) {
	case sizeof(u8):
		memcpy(field, &u8, size);
		return u8 == value ? 0 : -EINVAL;
	case sizeof(u16):
		memcpy(field, &u16, size);
		return u16 == value ? 0 : -EINVAL;
	case sizeof(u32):
		memcpy(field, &u32, size);
		return u32 == value ? 0 : -EINVAL;
	}
	return -EINVAL;
}

static int number_store(const struct config_key *key, const char *text, void *field, size_t size)
{
	uint64_t value;

	if (number_parse(text, &value) < 0 || value < key->min || value > key->max)
		return -EINVAL;
	if (key->type == CONFIG_POWER2 && (value & (value - 1)) != 0)
		return -EINVAL;
	return number_put(field, size, value);
}

static int bool_store(const char *text, void *field)
{
	bool value = strcmp(text, "true") == 0;

	if (!value && strcmp(text, "false") != 0)
		return -EINVAL;
	memcpy(field, &value, sizeof(value));
	return 0;
}

static int enum_store(const struct config_key *key, const char *text, void *field, size_t size)
{
	for (const struct config_name *n = key->names; n->name != NULL; n++)
		if (strcmp(n->name, text) == 0)
			return number_put(field, size, n->value);
	return -EINVAL;
}

/* Letters, digits and `more`. */
static bool only_chars(const char *text, const char *more)
{
	for (; *text != '\0'; text++)
		if (!isascii((unsigned char)*text) ||
		    (!isalnum((unsigned char)*text) && strchr(more, *text) == NULL))
			return false;
	return true;
}

bool config_ifname_valid(const char *name)
{
	/* "all" and "default" are folders beside the interfaces in /proc/sys/net. */
	static const char *const reserved[] = {"lo", "all", "default", ".", ".."};
	size_t len = strlen(name);

	if (len < 1 || len > 15 || !only_chars(name, "._-"))
		return false;
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (strcmp(name, reserved[i]) == 0)
			return false;
	return true;
}

/* DDDD:BB:DD.F or BB:DD.F, hexadecimal. */
static bool is_pci_address(const char *text)
{
	size_t len = strlen(text);

	if (len == 12 && strspn(text, "0123456789abcdefABCDEF") == 4 && text[4] == ':')
		text += 5;
	else if (len != 7)
		return false;
	return strspn(text, "0123456789abcdefABCDEF") == 2 && text[2] == ':' &&
	       strspn(text + 3, "0123456789abcdefABCDEF") == 2 && text[5] == '.' &&
	       text[6] >= '0' && text[6] <= '7' && text[7] == '\0';
}

static bool is_vdev(const char *text)
{
	if (strncmp(text, "net_", 4) != 0 && strncmp(text, "eth_", 4) != 0)
		return false;
	for (; *text != '\0'; text++)
		if (!isascii((unsigned char)*text) || !isgraph((unsigned char)*text) ||
		    strchr("'\"`\\", *text) != NULL)
			return false;
	return true;
}

static int text_store(bool valid, const char *text, void *field, size_t size)
{
	if (!valid || strlen(text) >= size)
		return -EINVAL;
	memset(field, 0, size);
	memcpy(field, text, strlen(text));
	return 0;
}

static int string_store(const struct config_key *key, bool valid, const char *text, char **field)
{
	size_t len = strlen(text);
	char *copy;

	if (!valid || len < key->min || len > key->max)
		return -EINVAL;
	copy = strdup(text);
	if (copy == NULL)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

static bool is_word(const struct config_key *key, const char *text)
{
	size_t len = strlen(text);

	for (const char *c = text; *c != '\0'; c++)
		if (!isascii((unsigned char)*c) || !isgraph((unsigned char)*c))
			return false;
	return len >= key->min && len <= key->max;
}

static bool is_unicast(const struct dp_addr *a)
{
	return a->family == AF_INET && a->bytes[0] != 0 && !dp_addr_is_multicast(a) &&
	       !dp_addr_is_loopback(a) && a->bytes[0] < 240;
}

static int host_store(const struct config_key *key, const char *text, void *field)
{
	struct dp_addr a;

	for (const struct config_name *n = key->names; n != NULL && n->name != NULL; n++) {
		if (strcmp(n->name, text) != 0)
			continue;
		memset(field, 0, sizeof(a));
		return 0;
	}
	if (dp_addr_parse(&a, text) < 0 || !is_unicast(&a))
		return -EINVAL;
	memcpy(field, &a, sizeof(a));
	return 0;
}

bool config_host_in_subnet(const struct dp_addr *host, const struct dp_prefix *subnet)
{
	struct dp_prefix network = dp_prefix_network(subnet);
	struct dp_addr last = dp_prefix_last(subnet);

	if (!dp_prefix_contains(subnet, host))
		return false;
	/* RFC 3021: a /31 has no broadcast address, and a /32 is one host. */
	if (subnet->len >= dp_addr_bits(host) - 1)
		return true;
	return !dp_addr_equal(host, &network.addr) && !dp_addr_equal(host, &last);
}

static int interface_store(const char *text, void *field)
{
	struct dp_prefix p;

	if (strchr(text, '/') == NULL || dp_prefix_parse(&p, text) < 0 || p.len == 0 ||
	    !is_unicast(&p.addr) || !config_host_in_subnet(&p.addr, &p))
		return -EINVAL;
	memcpy(field, &p, sizeof(p));
	return 0;
}

static int network_store(const char *text, void *field)
{
	struct dp_prefix p, network;

	if (strchr(text, '/') == NULL || dp_prefix_parse(&p, text) < 0 || p.addr.family != AF_INET)
		return -EINVAL;
	network = dp_prefix_network(&p);
	if (!dp_addr_equal(&p.addr, &network.addr))
		return -EINVAL;
	memcpy(field, &p, sizeof(p));
	return 0;
}

int config_value_store(const struct config_key *key, const char *text, void *field, size_t size)
{
	switch (key->type) {
	case CONFIG_UINT:
	case CONFIG_POWER2:
		return number_store(key, text, field, size);
	case CONFIG_BOOL:
		return bool_store(text, field);
	case CONFIG_ENUM:
		return enum_store(key, text, field, size);
	case CONFIG_IFNAME:
		return text_store(config_ifname_valid(text), text, field, size);
	case CONFIG_DEVICE:
		return text_store(is_pci_address(text) || is_vdev(text), text, field, size);
	case CONFIG_PATH:
		return string_store(key, text[0] == '/', text, field);
	case CONFIG_GROUP:
		return string_store(key, only_chars(text, "_-"), text, field);
	case CONFIG_NAME:
		return text_store(text[0] != '\0' && only_chars(text, "._-"), text, field, size);
	case CONFIG_SOURCE:
		return text_store(text[0] != '\0', text, field, size);
	case CONFIG_WORD:
		return text_store(is_word(key, text), text, field, size);
	case CONFIG_HOST:
		return host_store(key, text, field);
	case CONFIG_INTERFACE:
		return interface_store(text, field);
	case CONFIG_NETWORK:
		return network_store(text, field);
	case CONFIG_SECTION:
	case CONFIG_UNAVAILABLE:
		return -EINVAL;
	}
	return -EINVAL;
}
