/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

int main(int argc, char **argv)
{
	struct options opt;

	switch (options_parse(&opt, argc, argv)) {
	case OPTIONS_EXIT:
		return 0;
	case OPTIONS_ERROR:
		return 2;
	case OPTIONS_RUN:
		break;
	}
	return 1;
}
