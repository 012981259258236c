/* SPDX-License-Identifier: Apache-2.0 */
/* chart: the figures of a sweep as SVG, drawn by gnuplot. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine.h"
#include "testpmd.h"

/* gnuplot with these as stdin and stdout; 0, or what is wrong as -errno. */
static int gnuplot_run(char *const *argv, int in, int out)
{
	posix_spawn_file_actions_t files;
	int rc, status;
	pid_t pid;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	rc = posix_spawnp(&pid, argv[0], &files, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	if (rc != 0)
		return -rc;
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

int chart_check(void)
{
	char name[] = "gnuplot", version[] = "--version";
	char *const argv[] = {name, version, NULL};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), rc;

	if (null < 0)
		return -errno;
	rc = gnuplot_run(argv, null, null);
	close(null);
	if (rc < 0)
		fprintf(stderr,
			"dmvpn-testpmd: --chart: gnuplot: %s: install the package gnuplot-nox, or "
			"give --chart none\n",
			rc == -EIO ? "does not run" : strerror(-rc));
	return rc;
}

/* Columns: spokes, hub, floor, raw. */
static void data_write(FILE *f,
		       const struct options *o,
		       const struct report *reports,
		       uint32_t size)
{
	fprintf(f, "$size%u << END\n", size);
	for (uint32_t i = 0; i < o->sweep_count; i++) {
		const struct result *r = &reports[i].results[size];

		fprintf(f, "%u %.1f %.1f %.1f\n", o->sweep_spokes[i], r->product.median,
			r->floor.median, r->raw.median);
	}
	fprintf(f, "END\n");
}

/* A colour per size, a dash and a point per kind of line; kinds that were not measured have none.
 * Sorted: the order of the sweep is the user's. */
static void lines_write(FILE *f, const struct options *o, const struct report *reports)
{
	const char *comma = "plot ";

	for (uint32_t i = 0; i < o->size_count; i++) {
		const struct result *r = &reports[0].results[i];
		const struct {
			const char *name;
			double median;
		} kinds[] = {{"hub", r->product.median},
			     {"floor", r->floor.median},
			     {"raw crypto", r->raw.median}};

		for (unsigned k = 0; k < RTE_DIM(kinds); k++) {
			if (kinds[k].median == 0)
				continue;
			fprintf(f,
				"%s$size%u using 1:%u smooth unique with linespoints lc %u dt %u "
				"pt %u title '%s: %s'",
				comma, i, k + 2, i + 1, k + 1, k + 5, o->sizes[i].name,
				kinds[k].name);
			comma = ", ";
		}
	}
	fprintf(f, "\n");
}

void chart_script(FILE *f, const struct options *o, const struct report *reports)
{
	struct machine m;

	machine_get(&m);
	fprintf(f, "set terminal svg size 960,600 dynamic background rgb 'white' noenhanced\n");
	fprintf(f, "set title \"dmvpn-hub, path %s %s, bursts of %u, flows %s\\n%s, %s, %s\"\n",
		path_name(o->path), o->path == PATH_GRE ? "" : dp_sa_alg_info(o->alg)->name,
		o->burst, flows_name(o), m.cpu,
		m.avx512 ? "AVX-512"
		: m.avx2 ? "AVX2"
			 : "no AVX2",
		m.date);
	fprintf(f, "set logscale x 10\nset xlabel 'spokes'\nset ylabel 'TSC cycles per packet'\n"
		   "set yrange [0:*]\nset grid\nset key outside right top\n");
	for (uint32_t i = 0; i < o->size_count; i++)
		data_write(f, o, reports, i);
	lines_write(f, o, reports);
}

int chart_draw(const struct options *o, const struct report *reports)
{
	char name[] = "gnuplot";
	char *const argv[] = {name, NULL};
	FILE *script = tmpfile();
	int out = open(o->chart, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), rc = -EIO;

	if (script != NULL && out >= 0) {
		chart_script(script, o, reports);
		rc = fflush(script) == 0 ? 0 : -errno;
		rewind(script);
		if (rc == 0)
			rc = gnuplot_run(argv, fileno(script), out);
	}
	if (rc < 0)
		fprintf(stderr, "dmvpn-testpmd: --chart: %s: %s\n", o->chart, strerror(-rc));
	if (out >= 0)
		close(out);
	if (script != NULL)
		fclose(script);
	return rc;
}
