/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dmvpnctl_client: one connection to the control socket, one request at a time. Each read and each
 * write has the timeout; an answer is one line of at most ANSWER_MAX bytes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "dmvpnctl.h"

#define ANSWER_MAX (64u << 20)
#define PAGE_ROWS  200

static int unreachable(const struct ctl_client *client, int err)
{
	const char *hint = "";

	if (err == ENOENT || err == ECONNREFUSED)
		hint = " (is dmvpnd running?)";
	else if (err == EACCES)
		hint = " (root and members of control.group may)";
	if (err == EAGAIN)
		fprintf(stderr, "dmvpnctl: %s: no answer within %u s\n", client->path,
			client->timeout_s);
	else
		fprintf(stderr, "dmvpnctl: %s: %s%s\n", client->path, strerror(err), hint);
	return CTL_UNREACHABLE;
}

int ctl_open(struct ctl_client *client, const char *path, unsigned timeout_s)
{
	const struct timeval timeout = {.tv_sec = timeout_s};
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	*client = (struct ctl_client){.path = path, .timeout_s = timeout_s, .fd = -1};
	if (strlen(path) >= sizeof(addr.sun_path))
		return unreachable(client, ENAMETOOLONG);
	strcpy(addr.sun_path, path);
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->fd < 0 ||
	    setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0 ||
	    setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0 ||
	    connect(client->fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		return unreachable(client, errno);
	return CTL_OK;
}

void ctl_close(struct ctl_client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	free(client->in);
	client->fd = -1;
	client->in = NULL;
}

static int line_send(struct ctl_client *client, const char *text)
{
	size_t len = strlen(text);
	ssize_t n;

	while (len > 0) {
		n = send(client->fd, text, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EPIPE)
			return CTL_OK; /* turned away: the line that says why is there to be read */
		if (n < 0)
			return unreachable(client, errno);
		text += n;
		len -= (size_t)n;
	}
	return CTL_OK;
}

static int buffer_grow(struct ctl_client *client)
{
	const size_t size = client->size ? client->size * 2 : 65536;
	char *in;

	if (client->len < client->size)
		return CTL_OK;
	in = size > ANSWER_MAX ? NULL : realloc(client->in, size);
	if (!in) {
		fprintf(stderr, "dmvpnctl: an answer of more than %zu bytes\n", client->len);
		return CTL_INTERNAL;
	}
	client->in = in;
	client->size = size;
	return CTL_OK;
}

/* *len: bytes of the first line, its newline included. */
static int line_receive(struct ctl_client *client, size_t *len)
{
	size_t seen = 0;
	const char *end;
	ssize_t n;
	int rc;

	for (;;) {
		end = client->len > seen ? memchr(client->in + seen, '\n', client->len - seen)
					 : NULL;
		if (end) {
			*len = (size_t)(end + 1 - client->in);
			return CTL_OK;
		}
		seen = client->len;
		rc = buffer_grow(client);
		if (rc != CTL_OK)
			return rc;
		n = recv(client->fd, client->in + client->len, client->size - client->len, 0);
		if (n == 0) {
			fprintf(stderr, "dmvpnctl: %s: the daemon closed the connection\n",
				client->path);
			return CTL_UNREACHABLE;
		}
		if (n < 0)
			return unreachable(client, errno);
		client->len += (size_t)n;
	}
}

static int answer_receive(struct ctl_client *client, json_t **answer)
{
	json_error_t err;
	size_t len = 0;
	int rc = line_receive(client, &len);

	if (rc != CTL_OK)
		return rc;
	*answer = json_loadb(client->in, len, 0, &err);
	client->len -= len;
	memmove(client->in, client->in + len, client->len);
	if (*answer)
		return CTL_OK;
	fprintf(stderr, "dmvpnctl: %s: the answer is no JSON: %s\n", client->path, err.text);
	return CTL_INTERNAL;
}

static int result_take(const json_t *answer, json_t **result)
{
	const json_t *error = json_object_get(answer, "error");
	const char *message = json_string_value(json_object_get(error, "message"));

	*result = json_incref(json_object_get(answer, "result"));
	if (*result)
		return CTL_OK;
	fprintf(stderr, "dmvpnctl: %s\n", message ? message : "an answer without result");
	return error ? CTL_REFUSED : CTL_INTERNAL;
}

int ctl_call(struct ctl_client *client, const char *method, json_t *params, json_t **result)
{
	json_t *request, *answer = NULL;
	char *text, *line = NULL;
	int rc = CTL_INTERNAL;

	*result = NULL;
	request = json_pack("{s:s, s:i, s:s, s:o*}", "jsonrpc", "2.0", "id", (int)++client->id,
			    "method", method, "params", params);
	text = json_dumps(request, JSON_COMPACT);
	json_decref(request);
	if (text && asprintf(&line, "%s\n", text) > 0)
		rc = line_send(client, line);
	else
		fprintf(stderr, "dmvpnctl: the method's name is no UTF-8, or memory is short\n");
	if (rc == CTL_OK)
		rc = answer_receive(client, &answer);
	if (rc == CTL_OK)
		rc = result_take(answer, result);
	json_decref(answer);
	free(line);
	free(text);
	return rc;
}

int ctl_fetch(struct ctl_client *client, const char *method, const char *key, json_t **result)
{
	json_t *rows = json_array(), *page = NULL, *params = NULL;
	const char *next = NULL;
	int rc;

	if (!key) {
		json_decref(rows);
		return ctl_call(client, method, NULL, result);
	}
	*result = NULL;
	do {
		params = json_pack("{s:i, s:s*}", "limit", PAGE_ROWS, "cursor", next);
		json_decref(page);
		rc = ctl_call(client, method, params, &page);
		if (rc != CTL_OK) {
			json_decref(rows);
			return rc;
		}
		json_array_extend(rows, json_object_get(page, key));
		next = json_string_value(json_object_get(page, "next"));
	} while (next);
	json_object_set_new(page, key, rows);
	*result = page;
	return CTL_OK;
}
