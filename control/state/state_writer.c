/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state_writer: writes the state file on a thread of its own, see state.h. The thread sees nothing
 * of the daemon but the bytes it was given; it says that it is done by an eventfd. It keeps the
 * affinity of who made it, the control core: never a worker's CPU.
 *
 * Context: control, but for the functions marked as the thread's.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "state.h"

enum writer_step { IDLE, WRITING, DONE };

struct state_writer {
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t wake;
	enum writer_step step;
	bool stop;
	char *bytes; /* owned */
	size_t len;
	int rc;
	int fd;
	char *path;
};

/* The thread. */
static void done_tell(const struct state_writer *w)
{
	const uint64_t one = 1;

	/* Cannot fail: the counter is far from its end. */
	if (write(w->fd, &one, sizeof(one)) < 0)
		abort();
}

/* The thread. */
static void *writer_main(void *arg)
{
	struct state_writer *w = arg;
	int rc;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		while (w->step != WRITING && !w->stop)
			pthread_cond_wait(&w->wake, &w->lock);
		if (w->step != WRITING)
			break;
		pthread_mutex_unlock(&w->lock);
		rc = state_file_write(w->path, w->bytes, w->len);
		free(w->bytes);
		pthread_mutex_lock(&w->lock);
		w->bytes = NULL;
		w->rc = rc;
		w->step = DONE;
		done_tell(w);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* Signals are the control loop's. */
static int thread_start(struct state_writer *w)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&w->thread, NULL, writer_main, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc == 0)
		pthread_setname_np(w->thread, "state-writer");
	return rc;
}

static void writer_release(struct state_writer *w)
{
	if (w->fd >= 0)
		close(w->fd);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w->path);
	free(w);
}

struct state_writer *state_writer_new(const char *path)
{
	struct state_writer *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return NULL;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	w->path = strdup(path);
	w->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	rc = w->path && w->fd >= 0 ? thread_start(w) : errno;
	if (rc == 0)
		return w;
	writer_release(w);
	errno = rc;
	return NULL;
}

bool state_writer_start(struct state_writer *w, char *bytes, size_t len)
{
	bool idle;

	pthread_mutex_lock(&w->lock);
	idle = w->step == IDLE;
	if (idle) {
		w->bytes = bytes;
		w->len = len;
		w->step = WRITING;
		pthread_cond_signal(&w->wake);
	}
	pthread_mutex_unlock(&w->lock);
	return idle;
}

int state_writer_fd(const struct state_writer *w)
{
	return w->fd;
}

bool state_writer_done(struct state_writer *w, int *rc)
{
	uint64_t count;
	bool done;

	pthread_mutex_lock(&w->lock);
	done = w->step == DONE;
	if (done) {
		w->step = IDLE;
		*rc = w->rc;
		/* Only so that it is not readable any more. */
		if (read(w->fd, &count, sizeof(count)) < 0)
			done = true;
	}
	pthread_mutex_unlock(&w->lock);
	return done;
}

void state_writer_free(struct state_writer *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	writer_release(w);
}
