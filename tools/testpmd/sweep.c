/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sweep: one measurement after the other, each in a child: EAL does not start twice in a process.
 * The parent never starts it. A child sends its report through a pipe.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testpmd.h"

/* Before hours of measuring, not after them. */
static int output_check(const char *option, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0666);

	if (fd >= 0)
		return close(fd);
	fprintf(stderr, "dmvpn-testpmd: --%s: %s: %s\n", option, path, strerror(errno));
	return -EIO;
}

static void child_run(const struct options *o, int fd)
{
	static struct report report;
	int rc = measure(o, &report);
	const char *p = (const char *)&report;

	for (size_t at = 0; at < sizeof(report);) {
		ssize_t n = write(fd, p + at, sizeof(report) - at);

		if (n <= 0)
			exit(1);
		at += (size_t)n;
	}
	exit(rc < 0);
}

/* How much of the report came. */
static size_t report_read(int fd, struct report *report)
{
	char *p = (char *)report;
	size_t at = 0;
	ssize_t n;

	while (at < sizeof(*report) && (n = read(fd, p + at, sizeof(*report) - at)) > 0)
		at += (size_t)n;
	return at;
}

/* The child's exit status; without a report never 0, and *whole says so. */
static int one_run(const struct options *o, struct report *report, bool *whole)
{
	int fds[2], status;
	pid_t pid;

	fflush(stdout);
	*whole = false;
	if (pipe(fds) < 0 || (pid = fork()) < 0) {
		fprintf(stderr, "dmvpn-testpmd: --sweep: process: %s\n", strerror(errno));
		return 1;
	}
	if (pid == 0) {
		close(fds[0]);
		child_run(o, fds[1]);
	}
	close(fds[1]);
	*whole = report_read(fds[0], report) == sizeof(*report);
	close(fds[0]);
	if (waitpid(pid, &status, 0) < 0)
		return 1;
	if (!WIFEXITED(status)) {
		fprintf(stderr, "dmvpn-testpmd: --sweep: %u spokes: signal %d\n", o->spokes,
			WTERMSIG(status));
		return 1;
	}
	return WEXITSTATUS(status) != 0 || *whole ? WEXITSTATUS(status) : 1;
}

/* The exit status; *done: how many reports there are. A failure ends the sweep. */
static int all_run(const struct options *o, struct report *reports, uint32_t *done)
{
	struct options one = *o;
	int status = 0;

	for (*done = 0; *done < o->sweep_count; (*done)++) {
		bool whole;
		int rc;

		one.spokes = o->sweep_spokes[*done];
		fprintf(stderr, "sweep: %u of %u: %u spokes\n", *done + 1, o->sweep_count,
			one.spokes);
		rc = one_run(&one, &reports[*done], &whole);
		if (!whole)
			return rc;
		report_text(&one, &reports[*done]);
		status |= rc; /* wrong packets: told, and the others are still worth knowing */
	}
	return status;
}

int sweep_run(const struct options *o)
{
	static struct report reports[SWEEP_MAX];
	struct options done = *o;
	int status;

	if (output_check("json", o->json) < 0)
		return 1;
	if (o->chart != NULL && (chart_check() < 0 || output_check("chart", o->chart) < 0))
		return 1;
	status = all_run(o, reports, &done.sweep_count);
	if (done.sweep_count == 0)
		return status;
	if (report_json_sweep(&done, reports) < 0)
		return 1;
	if (done.chart != NULL && chart_draw(&done, reports) < 0)
		return 1;
	return status;
}
