/* SPDX-License-Identifier: Apache-2.0 */
/* machine: what /proc and the CPU say of themselves. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "machine.h"

/* Goes into JSON and a chart as it is. */
static void text_clean(char *text)
{
	for (; *text != '\0'; text++)
		if (!isprint((unsigned char)*text) || strchr("\"\\'", *text) != NULL)
			*text = ' ';
}

bool machine_value(FILE *f, const char *key, char *value, size_t size)
{
	size_t key_len = strlen(key);
	char line[4096];

	while (fgets(line, sizeof(line), f) != NULL) {
		char *p = line + key_len;

		if (strncmp(line, key, key_len) != 0)
			continue;
		p += strspn(p, " \t");
		if (*p++ != ':')
			continue;
		p += strspn(p, " \t");
		p[strcspn(p, "\n")] = '\0';
		snprintf(value, size, "%s", p);
		text_clean(value);
		return true;
	}
	return false;
}

static void file_value(const char *path, const char *key, char *value, size_t size)
{
	FILE *f = fopen(path, "r");

	snprintf(value, size, "unknown");
	if (f == NULL)
		return;
	machine_value(f, key, value, size);
	fclose(f);
}

static unsigned long file_number(const char *path, const char *key)
{
	char value[32];

	file_value(path, key, value, sizeof(value));
	return strtoul(value, NULL, 10);
}

void machine_get(struct machine *m)
{
	time_t now = time(NULL);
	struct tm tm;

	*m = (struct machine){.cpus = sysconf(_SC_NPROCESSORS_ONLN),
			      .avx2 = __builtin_cpu_supports("avx2"),
			      .avx512 = __builtin_cpu_supports("avx512f"),
			      .huge_pages = file_number("/proc/meminfo", "HugePages_Total"),
			      .huge_page_kb = file_number("/proc/meminfo", "Hugepagesize")};
	file_value("/proc/cpuinfo", "model name", m->cpu, sizeof(m->cpu));
	strftime(m->date, sizeof(m->date), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
}
