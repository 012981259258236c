/* SPDX-License-Identifier: Apache-2.0 */
/* Device strings of ports: which kernel interface is behind one, and what is added before probing.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/port.h"

static void raw_interface(void **state)
{
	static const struct {
		const char *device;
		const char *ifname; /* NULL: not kernel-backed */
	} rows[] = {
		{"net_af_packet0,iface=veth0", "veth0"},
		{"net_af_packet_wan,iface=veth0", "veth0"},
		{"vdev:net_af_packet0,iface=veth0", "veth0"},
		{"eth_af_packet0,iface=veth0", "veth0"},
		{"net_af_packet0,qpairs=2,iface=eth1.5,framesz=4096", "eth1.5"},
		{"net_af_packet0,iface=abcdefghijklmno", "abcdefghijklmno"},
		{"net_af_xdp0,iface=eth2,start_queue=0", "eth2"},
		{"net_pcap0,iface=eth3", "eth3"},
		/* The kernel has no such name: the probe will say so. */
		{"net_af_packet0,iface=abcdefghijklmnop", NULL},
		{"net_af_packet0,iface=", NULL},
		{"net_af_packet0", NULL},
		{"net_af_packet0,xiface=veth0", NULL},
		{"net_af_packet0,ifaces=veth0", NULL},
		{"net_pcap0,rx_pcap=in.pcap,tx_pcap=iface=out", NULL},
		{"net_ring0,iface=veth0", NULL},
		{"net_tap0,iface=tap0", NULL}, /* makes its own interface */
		{"net_memif0,role=server", NULL},
		{"0000:3b:00.0", NULL},
		{"pci:0000:3b:00.0,iface=x", NULL},
		{"iface=veth0", NULL},
		{"", NULL},
	};
	char ifname[DP_NAME_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(dp_port_raw_interface(rows[i].device, ifname),
				 rows[i].ifname != NULL);
		if (rows[i].ifname != NULL)
			assert_string_equal(ifname, rows[i].ifname);
	}
}

static void devargs(void **state)
{
	static const struct {
		const char *device;
		uint16_t mtu, queues, descriptors;
		uint32_t workers;
		const char *out;
	} rows[] = {
		{"0000:3b:00.0", 9000, 4, 1024, 2, "0000:3b:00.0"},
		{"net_ring0", 1500, 0, 256, 1, "net_ring0"},
		{"net_af_packet0,iface=v0", 1500, 0, 1024, 1,
		 "net_af_packet0,iface=v0,qpairs=1,framesz=2048,blocksz=4096,framecnt=1024"},
		{"net_af_packet0,iface=v0", 576, 1, 64, 3,
		 "net_af_packet0,iface=v0,qpairs=3,framesz=1024,blocksz=4096,framecnt=64"},
		/* Frames of 3 and 9 KB: the block is a multiple of both frame and page. */
		{"net_af_packet0,iface=v0", 2000, 4, 512, 2,
		 "net_af_packet0,iface=v0,qpairs=4,framesz=3072,blocksz=12288,framecnt=512"},
		{"net_af_packet0,iface=v0", 9000, 0, 512, 1,
		 "net_af_packet0,iface=v0,qpairs=1,framesz=9216,blocksz=36864,framecnt=512"},
		/* What the operator says stays. */
		{"net_af_packet0,iface=v0,qpairs=2,blocksz=8192,framesz=8192,framecnt=32", 1500, 0,
		 1024, 1, "net_af_packet0,iface=v0,qpairs=2,blocksz=8192,framesz=8192,framecnt=32"},
		{"net_af_packet0,iface=v0,framesz=4096", 1500, 0, 1024, 1,
		 "net_af_packet0,iface=v0,framesz=4096,qpairs=1,framecnt=1024"},
	};
	char out[PORT_DEVARGS_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dp_port_conf conf = {.mtu = rows[i].mtu,
					    .queues = rows[i].queues,
					    .descriptors = rows[i].descriptors};

		snprintf(conf.device, sizeof(conf.device), "%s", rows[i].device);
		assert_int_equal(port_devargs(&conf, rows[i].workers, out), 0);
		assert_string_equal(out, rows[i].out);
	}
}

/* The longest string that a configuration can hold still fits with everything appended. */
static void devargs_longest(void **state)
{
	struct dp_port_conf conf = {.mtu = 9190, .queues = 16, .descriptors = 32768};
	char out[PORT_DEVARGS_MAX];

	(void)state;
	memset(conf.device, 'x', sizeof(conf.device) - 1);
	memcpy(conf.device, "net_af_packet", 13);
	assert_int_equal(port_devargs(&conf, 16, out), 0);
	assert_non_null(strstr(out, "framecnt=32768"));
}

static void device_name(void **state)
{
	static const struct {
		const char *device;
		const char *name; /* NULL: refused */
	} rows[] = {
		{"0000:3b:00.0", "0000:3b:00.0"},
		{"pci:0000:3b:00.0,key=1", "0000:3b:00.0"},
		{"vdev:net_ring0", "net_ring0"},
		{"net_af_packet0,iface=v0", "net_af_packet0"},
		{"", NULL},
		{",iface=v0", NULL},
		{"net_ring_012345678901234567890123456789012345678901234567890123456789", NULL},
	};
	char name[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].name == NULL) {
			assert_int_equal(port_device_name(rows[i].device, name), -EINVAL);
			continue;
		}
		assert_int_equal(port_device_name(rows[i].device, name), 0);
		assert_string_equal(name, rows[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raw_interface),
		cmocka_unit_test(devargs),
		cmocka_unit_test(devargs_longest),
		cmocka_unit_test(device_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
