#!/usr/bin/env python3
"""A spoke for real traffic on a kernel without GRE: a TUN interface, whose packets come and go in GRE.

  gre_spoke.py NAMESPACE LOCAL REMOTE KEY   the interface is tun0, up, in NAMESPACE; GRE is sent and received where this
                                            runs, from LOCAL to REMOTE. Ends on SIGTERM.

It does no NHRP: the hub has it as a static map. What comes with another key or another protocol than IPv4 is not for it.
"""
import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import sys
from select import select

TUNSETIFF = 0x400454CA
TUN, NO_PI = 0x1, 0x1000
CLONE_NEWNET = 0x40000000
GRE, KEY_BIT, IP4 = 47, 0x2000, 0x0800
BURST = 64  # packets of one side before the other is looked at
QUEUE = 10000  # this is slower than a kernel: what it cannot take at once must wait, not be lost
RCVBUFFORCE = 33
RCVBUF_BYTES = 8 << 20


def tun_in(namespace):
    home, there = os.open("/proc/self/ns/net", os.O_RDONLY), os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(there, CLONE_NEWNET) != 0:
        sys.exit(f"namespace {namespace}: {os.strerror(ctypes.get_errno())}")
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", b"tun0", TUN | NO_PI))
    subprocess.run(["ip", "link", "set", "tun0", "up", "mtu", "1400", "txqueuelen", str(QUEUE)], check=True)
    libc.setns(home, CLONE_NEWNET)
    return fd


def out(fd, gre, remote, header):
    for _ in range(BURST):
        try:
            packet = os.read(fd, 65535)
        except BlockingIOError:
            return
        if packet[0] >> 4 == 4:
            gre.sendto(header + packet, (remote, 0))


def back(fd, gre, header):
    for _ in range(BURST):
        try:
            packet = gre.recv(65535)
        except BlockingIOError:
            return
        start = (packet[0] & 15) * 4
        if packet[start : start + len(header)] == header:
            os.write(fd, packet[start + len(header) :])


def main():
    namespace, local, remote, key = sys.argv[1:]
    header = struct.pack("!HHI", KEY_BIT, IP4, int(key))
    gre = socket.socket(socket.AF_INET, socket.SOCK_RAW, GRE)
    gre.setsockopt(socket.SOL_SOCKET, RCVBUFFORCE, RCVBUF_BYTES)
    gre.bind((local, 0))
    fd = tun_in(namespace)
    gre.setblocking(False)
    while True:
        readable, _, _ = select([fd, gre], [], [])
        if fd in readable:
            out(fd, gre, remote, header)
        if gre in readable:
            back(fd, gre, header)


main()
