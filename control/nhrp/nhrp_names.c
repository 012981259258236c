/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of NHRP numbers for logs and JSON, from the lists in nhrp_proto.h. Pure; any thread.
 */
#include "nhrp_proto.h"

#include <stdio.h>

static const char *name_unknown(char buf[NHRP_NAME_LEN], const char *kind, unsigned value)
{
	snprintf(buf, NHRP_NAME_LEN, "%s-%u", kind, value);
	return buf;
}

#define X(id, value, name) \
	case (value):      \
		return name;

const char *nhrp_type_name(unsigned type, char buf[NHRP_NAME_LEN])
{
	switch (type) {
		NHRP_TYPE_LIST(X)
	}
	return name_unknown(buf, "type", type);
}

const char *nhrp_cie_code_name(unsigned code, char buf[NHRP_NAME_LEN])
{
	switch (code) {
		NHRP_CIE_CODE_LIST(X)
	}
	return name_unknown(buf, "code", code);
}

const char *nhrp_error_code_name(unsigned code, char buf[NHRP_NAME_LEN])
{
	switch (code) {
		NHRP_ERROR_CODE_LIST(X)
	}
	return name_unknown(buf, "code", code);
}

const char *nhrp_ext_name(unsigned type, char buf[NHRP_NAME_LEN])
{
	switch (type) {
		NHRP_EXT_LIST(X)
	}
	return name_unknown(buf, "ext", type);
}
