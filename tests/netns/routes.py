#!/usr/bin/env python3
"""Helper of 70_routes.sh: many routes at once, and how fast the hub follows.

  routes.py add|del COUNT IFINDEX GATEWAY   COUNT /24s from 20.0.0.0 on, straight over netlink, as a routing daemon that
                                            starts; in the namespace where it runs. Prints the kernel's seconds.
  routes.py wait SOCKET COUNT SECONDS       until the hub's workers have exactly COUNT routes. Prints the seconds, and the
                                            longest that the control socket was silent meanwhile, in ms.
  routes.py withdraw FROM_NS TO_NS ADDRESS COMMAND...
                                            sends a packet per ms to ADDRESS, runs COMMAND, and prints how many ms after
                                            it was done the last packet was sent that still arrived (0: none was).
"""
import ctypes
import json
import os
import socket
import struct
import subprocess
import sys
import time

NEWROUTE, DELROUTE = 24, 25
REQUEST, CREATE, REPLACE = 0x1, 0x400, 0x100
PER_SEND = 512
PREFIX_AT = 16 + 12 + 4
CLONE_NEWNET = 0x40000000
PORT = 7000


def route_message(verb, ifindex, gateway):
    """One route of protocol bgp and metric 20 with prefix 0; the prefix goes to PREFIX_AT."""
    body = struct.pack("=8BI", 2, 24, 0, 0, 254, 186, 0, 1, 0)
    body += struct.pack("=HH4s", 8, 1, bytes(4)) + struct.pack("=HHI", 8, 6, 20)
    body += struct.pack("=HH4s", 8, 5, socket.inet_aton(gateway)) + struct.pack("=HHI", 8, 4, ifindex)
    kind, flags = (NEWROUTE, CREATE | REPLACE) if verb == "add" else (DELROUTE, 0)
    return struct.pack("=IHHII", 16 + len(body), kind, REQUEST | flags, 0, 0) + body


def feed(verb, count, ifindex, gateway):
    one = route_message(verb, ifindex, gateway)
    blocks = []
    for first in range(0, count, PER_SEND):
        n = min(PER_SEND, count - first)
        block = bytearray(one * n)
        for i in range(n):
            struct.pack_into("!I", block, i * len(one) + PREFIX_AT, 0x14000000 + (first + i) * 256)
        blocks.append(block)
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    s.bind((0, 0))
    start = time.monotonic()
    for block in blocks:
        s.send(block)
    print(f"{time.monotonic() - start:.3f}")


def wait(path, count, seconds):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    answers = s.makefile("r")
    request = b'{"jsonrpc":"2.0","id":1,"method":"route.list","params":{"limit":1}}\n'
    start = time.monotonic()
    longest = 0.0
    while time.monotonic() - start < seconds:
        asked = time.monotonic()
        s.sendall(request)
        used = json.loads(answers.readline())["result"]["routes_used"]
        longest = max(longest, time.monotonic() - asked)
        if used == count:
            print(f"{time.monotonic() - start:.3f} {longest * 1000:.1f}")
            return
        time.sleep(0.002)
    sys.exit(f"    {used} routes, wanted {count}")


def socket_in(namespace):
    home, there = os.open("/proc/self/ns/net", os.O_RDONLY), os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(there, CLONE_NEWNET) != 0:
        sys.exit(f"    namespace {namespace}: {os.strerror(ctypes.get_errno())}")
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    libc.setns(home, CLONE_NEWNET)
    return s


def send_until(tx, address, end):
    while time.monotonic() < end:
        tx.sendto(struct.pack("d", time.monotonic()), (address, PORT))
        time.sleep(0.001)


def withdraw(from_ns, to_ns, address, command):
    tx, rx = socket_in(from_ns), socket_in(to_ns)
    rx.bind((address, PORT))
    rx.settimeout(5)
    send_until(tx, address, time.monotonic() + 0.2)
    rx.recv(64)  # the way is open
    sender = os.fork()
    if sender == 0:
        send_until(tx, address, time.monotonic() + 1.5)
        os._exit(0)
    subprocess.run(command, check=True)
    done = time.monotonic()
    os.waitpid(sender, 0)
    rx.settimeout(0.5)
    last, count = done, 0
    try:
        while True:
            last = max(last, struct.unpack("d", rx.recv(64))[0])
            count += 1
    except TimeoutError:
        print(f"{(last - done) * 1000:.1f}")


def main():
    verb, args = sys.argv[1], sys.argv[2:]
    if verb in ("add", "del"):
        feed(verb, int(args[0]), int(args[1]), args[2])
    elif verb == "wait":
        wait(args[0], int(args[1]), float(args[2]))
    else:
        withdraw(args[0], args[1], args[2], args[3:])


main()
