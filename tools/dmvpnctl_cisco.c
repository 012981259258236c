/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dmvpnctl_cisco: `show dmvpn` and `show ip nhrp` in the form that DMVPN operators read without
 * thinking. Fields that we do not have are left out, none is made up.
 */
#include <string.h>

#include "dmvpnctl.h"

static void legend_print(FILE *out)
{
	fputs("Legend: Attrb --> S - Static, D - Dynamic, N - NATed\n"
	      "        # Ent --> Number of NHRP entries with same NBMA peer\n"
	      "        UpDn Time --> Up or Down Time for a Tunnel\n"
	      "==========================================================================\n",
	      out);
}

/* First line of a spoke; further protocol addresses follow alone, as Cisco shows them. */
static void spoke_print(FILE *out, const json_t *spoke)
{
	const json_t *protocols = json_object_get(spoke, "protocol");
	const json_t *uptime = json_object_get(spoke, "uptime_s");
	const char *first = json_string_value(json_array_get(protocols, 0));
	char age[32], nbma[64];

	ctl_age_format(age, sizeof(age), json_integer_value(uptime));
	snprintf(nbma, sizeof(nbma), "%s", ctl_member_text(spoke, "nbma"));
	if (json_integer_value(json_object_get(spoke, "natt_port")) != 0)
		snprintf(nbma + strlen(nbma), sizeof(nbma) - strlen(nbma), ":%s",
			 ctl_member_text(spoke, "natt_port"));
	fprintf(out, "%6s ", ctl_member_text(spoke, "entries"));
	fprintf(out, "%-15s %15s ", nbma, first ? first : "-");
	fprintf(out, "%5s %8s", ctl_member_text(spoke, "state"), age);
	fprintf(out, " %5s\n", ctl_member_text(spoke, "attributes"));
	for (size_t i = 1; i < json_array_size(protocols); i++)
		fprintf(out, "%38s\n", json_string_value(json_array_get(protocols, i)));
}

static void interface_print(FILE *out, const json_t *tunnel, const json_t *spokes)
{
	const char *name = json_string_value(json_object_get(tunnel, "name"));

	fprintf(out, "\nInterface: %s, IPv4 NHRP Details\n", name ? name : "-");
	fprintf(out, "Type:Hub, NHRP Peers:%s,\n\n", ctl_member_text(tunnel, "spokes"));
	fputs(" # Ent  Peer NBMA Addr Peer Tunnel Add State  UpDn Tm Attrb\n"
	      " ----- --------------- --------------- ----- -------- -----\n",
	      out);
	for (size_t i = 0; i < json_array_size(spokes); i++) {
		const json_t *spoke = json_array_get(spokes, i);
		const char *of = json_string_value(json_object_get(spoke, "interface"));

		if (name && of && strcmp(of, name) == 0)
			spoke_print(out, spoke);
	}
}

void ctl_dmvpn_print(FILE *out,
		     const json_t *result,
		     const struct ctl_options *options,
		     struct ctl_rates *rates)
{
	const json_t *tunnels = json_object_get(result, "tunnels");

	(void)options;
	(void)rates;
	legend_print(out);
	for (size_t i = 0; i < json_array_size(tunnels); i++)
		interface_print(out, json_array_get(tunnels, i), json_object_get(result, "spokes"));
}

static void flags_print(FILE *out, const json_t *flags)
{
	for (size_t i = 0; i < json_array_size(flags); i++)
		fprintf(out, " %s", json_string_value(json_array_get(flags, i)));
	fputc('\n', out);
}

/* The answer names a few, and says how many there are. */
static void requesters_print(FILE *out, const json_t *entry)
{
	const json_t *list = json_object_get(entry, "requesters");
	const json_int_t count = json_integer_value(json_object_get(entry, "requesters_count"));
	const size_t named = json_array_size(list);

	for (size_t i = 0; i < named; i++) {
		const json_t *r = json_array_get(list, i);

		fprintf(out, "    Requester: %s", ctl_member_text(r, "protocol"));
		fprintf(out, " Request ID: %s\n", ctl_member_text(r, "request_id"));
	}
	if (count > (json_int_t)named)
		fprintf(out, "    (%lld more requesters)\n", (long long)count - (long long)named);
}

static void entry_print(FILE *out, const json_t *entry)
{
	const json_t *expires = json_object_get(entry, "expires_s");
	char age[32];

	fprintf(out, "%s via ", ctl_member_text(entry, "target"));
	fprintf(out, "%s\n", ctl_member_text(entry, "protocol"));
	ctl_age_format(age, sizeof(age), json_integer_value(json_object_get(entry, "created_s")));
	fprintf(out, "   %s created %s, ", ctl_member_text(entry, "interface"), age);
	ctl_age_format(age, sizeof(age), json_integer_value(expires));
	if (json_is_integer(expires))
		fprintf(out, "expire %s\n", age);
	else
		fputs("never expire\n", out);
	fprintf(out, "   Type: %s, Flags:", ctl_member_text(entry, "type"));
	flags_print(out, json_object_get(entry, "flags"));
	fprintf(out, "   NBMA address: %s\n", ctl_member_text(entry, "nbma"));
	if (json_is_string(json_object_get(entry, "claimed_nbma")))
		fprintf(out, "    (Claimed NBMA address: %s)\n",
			ctl_member_text(entry, "claimed_nbma"));
	requesters_print(out, entry);
}

void ctl_nhrp_print(FILE *out,
		    const json_t *result,
		    const struct ctl_options *options,
		    struct ctl_rates *rates)
{
	const json_t *entries = json_object_get(result, "entries");

	(void)options;
	(void)rates;
	for (size_t i = 0; i < json_array_size(entries); i++)
		entry_print(out, json_array_get(entries, i));
	fprintf(out, "%zu entries (at most %s)\n", json_array_size(entries),
		ctl_member_text(result, "entries_max"));
}
