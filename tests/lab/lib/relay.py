#!/usr/bin/env python3
"""A bad cable between two Ethernet interfaces of this network namespace.

  relay.py A B LENGTH REPORT   frames of ESP from LENGTH bytes on are dropped (1 in 1,000), sent twice (1 in 50) and sent 1 to 16
                               frames later (1 in 20), each way; all others pass. Ends on SIGTERM and writes "WAY SEEN DROPPED
                               TWICE LATER" to REPORT for the ways ab and ba.
"""
import select
import signal
import socket
import sys

DROP, TWICE, LATER = 1000, 50, 20
FRAMES_LATER = 16  # with what is sent twice well inside of a window of 32
PATIENCE_S = 0.2  # what waits for frames that do not come
PACKET_OUTGOING = 4


class Way:
    def __init__(self, to):
        self.to, self.held, self.seen, self.dropped, self.twice, self.later = to, [], 0, 0, 0, 0

    def take(self, frame, fragile):
        if not fragile:
            self.to.send(frame)
            return
        self.seen += 1
        if self.seen % DROP == DROP // 2:
            self.dropped += 1
        elif self.seen % LATER == 3:
            self.later += 1
            self.held.append((self.seen + 1 + self.later % FRAMES_LATER, frame))
        else:
            self.to.send(frame)
            if self.seen % TWICE == 5:
                self.twice += 1
                self.to.send(frame)
        self.release(self.seen)

    def release(self, until):
        for _, frame in [h for h in self.held if h[0] <= until]:
            self.to.send(frame)
        self.held = [h for h in self.held if h[0] > until]


def opened(name):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
    s.bind((name, 3))
    s.setsockopt(263, 1, socket.if_nametoindex(name).to_bytes(4, "little") + b"\1\0" + bytes(10))  # promiscuous
    return s


def main():
    a, b, length, report = opened(sys.argv[1]), opened(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    ways = {a: Way(b), b: Way(a)}

    def end(*_):
        with open(report, "w") as f:
            for name, s in (("ab", a), ("ba", b)):
                w = ways[s]
                f.write(f"{name} {w.seen} {w.dropped} {w.twice} {w.later}\n")
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    print("ready", flush=True)
    while True:
        readable, _, _ = select.select([a, b], [], [], PATIENCE_S)
        for s in readable:
            frame, address = s.recvfrom(65535)
            if address[2] != PACKET_OUTGOING:
                ways[s].take(frame, len(frame) >= length and frame[12:14] == b"\x08\x00" and frame[23] == 50)
        if not readable:
            for way in ways.values():
                way.release(way.seen + FRAMES_LATER + 2)


main()
