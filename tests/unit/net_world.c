/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_world: see net_world.h. Namespaces are entered with setns() for the length of one call;
 * sockets stay in the one where they were made.
 */
#include "tests/unit/net_world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sched.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PING_ID 0x4d56

static int ns_make(void)
{
	int fd;

	if (unshare(CLONE_NEWNET) < 0)
		fail_msg("unshare(CLONE_NEWNET): %s: this test needs root", strerror(errno));
	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void ns_enter(int ns)
{
	assert_int_equal(setns(ns, CLONE_NEWNET), 0);
}

/* One command, in the namespace that the test is in. */
static int run(int ns, const struct world *home, const char *line)
{
	int status;

	if (ns >= 0)
		ns_enter(ns);
	status = system(line);
	if (ns >= 0 && home)
		ns_enter(home->hub);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static struct world the_world;

int world_try(int ns, const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	return run(ns, &the_world, line);
}

void world_run(int ns, const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	int status;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	status = run(ns, &the_world, line);
	if (status != 0)
		fail_msg("'%s' ended with %d", line, status);
}

void world_until(int ns, const char *line)
{
	uint64_t end = world_now_ms() + WORLD_DEADLINE_MS;

	while (run(ns, &the_world, line) != 0) {
		if (world_now_ms() > end)
			fail_msg("'%s' did not come true in %d ms", line, WORLD_DEADLINE_MS);
	}
}

int world_setup(void **state)
{
	the_world.peer = ns_make();
	the_world.hub = ns_make();
	world_run(the_world.hub,
		  "ip link set lo up && ip link add h0 address 02:00:00:00:00:01 type veth peer "
		  "name p0 "
		  "address 02:00:00:00:00:02 netns /proc/%d/fd/%d && ip link set h0 up",
		  getpid(), the_world.peer);
	world_run(the_world.peer, "ip link set lo up && ip link set p0 up");
	assert_int_equal(net_open(), 0);
	*state = &the_world;
	return 0;
}

int world_teardown(void **state)
{
	(void)state;
	net_close();
	close(the_world.hub);
	close(the_world.peer);
	return 0;
}

int world_socket(int ns, int family, int type, int protocol)
{
	int fd;

	ns_enter(ns);
	fd = socket(family, type | SOCK_CLOEXEC, protocol);
	ns_enter(the_world.hub);
	assert_true(fd >= 0);
	return fd;
}

int world_sniffer(int ns, const char *ifname)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int fd = world_socket(ns, AF_PACKET, SOCK_RAW, 0);

	ns_enter(ns);
	to.sll_ifindex = (int)if_nametoindex(ifname);
	ns_enter(the_world.hub);
	assert_true(to.sll_ifindex > 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

int world_sysctl(const char *path)
{
	char full[128], text[32] = "";
	FILE *file;

	snprintf(full, sizeof(full), "/proc/sys/net/%s", path);
	file = fopen(full, "r");
	if (!file)
		fail_msg("%s: %s", full, strerror(errno));
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	return atoi(text);
}

uint64_t world_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

struct dp_addr world_addr(const char *text)
{
	struct dp_addr addr;

	assert_int_equal(dp_addr_parse(&addr, text), 0);
	return addr;
}

struct dp_prefix world_prefix(const char *text)
{
	struct dp_prefix prefix;

	assert_int_equal(dp_prefix_parse(&prefix, text), 0);
	return prefix;
}

static uint16_t checksum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

void world_ping_send(int icmp, const char *to, uint16_t number)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(to)};
	struct icmphdr echo = {.type = ICMP_ECHO};

	echo.un.echo.id = htons(PING_ID);
	echo.un.echo.sequence = htons(number);
	echo.checksum = checksum(&echo, sizeof(echo));
	assert_int_equal(
		sendto(icmp, &echo, sizeof(echo), 0, (struct sockaddr *)&addr, sizeof(addr)),
		sizeof(echo));
}

/* Is this IP packet our echo of that type and number? */
static bool is_echo(const uint8_t *packet, size_t len, uint8_t type, uint16_t number)
{
	struct icmphdr echo;
	struct iphdr ip;

	if (len < sizeof(ip) + sizeof(echo))
		return false;
	memcpy(&ip, packet, sizeof(ip));
	memcpy(&echo, packet + sizeof(ip), sizeof(echo));
	return ip.version == 4 && ip.protocol == IPPROTO_ICMP && echo.type == type &&
	       echo.un.echo.id == htons(PING_ID) && echo.un.echo.sequence == htons(number);
}

static bool echo_wait(int fd, size_t skip, uint8_t type, uint16_t number, int timeout_ms)
{
	uint64_t end = world_now_ms() + (uint64_t)timeout_ms;
	struct sockaddr_ll from;
	uint8_t packet[2048];

	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		socklen_t from_len = sizeof(from);
		uint64_t now = world_now_ms();
		ssize_t n;

		if (poll(&p, 1, now < end ? (int)(end - now) : 0) == 0)
			return false;
		n = recvfrom(fd, packet, sizeof(packet), 0, (struct sockaddr *)&from, &from_len);
		if (n < 0) { /* the interface was down once */
			assert_int_equal(errno, ENETDOWN);
			continue;
		}
		if ((size_t)n > skip && is_echo(packet + skip, (size_t)n - skip, type, number))
			return true;
	}
}

bool world_pong_wait(int icmp, uint16_t number, int timeout_ms)
{
	return echo_wait(icmp, 0, ICMP_ECHOREPLY, number, timeout_ms);
}

bool world_request_seen(int sniffer, uint16_t number, int timeout_ms)
{
	return echo_wait(sniffer, ETH_HLEN, ICMP_ECHO, number, timeout_ms);
}
