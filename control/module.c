/* SPDX-License-Identifier: Apache-2.0 */
/* module: walks the table of main.c forth and back, see module.h. Context: control. */
#include "module.h"

#include <string.h>

#include "log.h"

void modules_stop(const struct module *modules, size_t count, struct hub *hub)
{
	while (count-- > 0) {
		log_debug("stop: %s", modules[count].name);
		if (modules[count].fini != NULL)
			modules[count].fini(hub);
	}
}

int modules_start(const struct module *modules, size_t count, struct hub *hub)
{
	int rc;

	for (size_t i = 0; i < count; i++) {
		log_debug("start: %s", modules[i].name);
		rc = modules[i].init(hub);
		if (rc == 0)
			continue;
		log_sys("start: %s failed: %s", modules[i].name, strerror(-rc));
		modules_stop(modules, i, hub);
		return rc;
	}
	return 0;
}
