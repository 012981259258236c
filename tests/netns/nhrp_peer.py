#!/usr/bin/env python3
"""A synthetic NHRP client, written after RFC 2332: what real spokes that the tests can run do not do (purges).

  nhrp_peer.py LOCAL HUB KEY PROTOCOL HUB_PROTOCOL LAN

Registers PROTOCOL at the hub (and again on "register"), answers resolution requests for addresses in LAN, purge requests
always. Each packet that comes is a line of JSON on stdout. Lines on stdin:

  register            once more
  resolve ADDRESS     a resolution request to the hub
  purge ADDRESS       a purge request to the hub
  send ADDRESS        an IPv4 packet from the first host of LAN, through the tunnel
Ends with stdin.
"""
import ipaddress
import json
import random
import socket
import struct
import sys
from select import select

GRE, KEY_BIT, IPV4, NHRP = 47, 0x2000, 0x0800, 0x2001
RES_REQ, RES_REP, REG_REQ, REG_REP, PURGE_REQ, PURGE_REP, ERROR, TRAFFIC = range(1, 9)
HOLD, MTU = 600, 1400
HEAD = struct.Struct("!HH5sBHHHBBBB")
MAND = struct.Struct("!BBHI4s4s4s")
CIE = struct.Struct("!BBHHHBBBB")


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip(text):
    return socket.inet_aton(text)


def cie(prefix, nbma=b"", proto=b"", holding=0, code=0):
    return CIE.pack(code, prefix, 0, MTU if holding else 0, holding, len(nbma), 0, len(proto), 0) + nbma + proto


def packet(kind, flags, request_id, nbma, src, dst, cies, extensions=((3, b""), (4, b""), (5, b"")), hops=64):
    body = MAND.pack(4, 4, flags, request_id, nbma, src, dst) + b"".join(cies)
    at = HEAD.size + len(body)
    body += b"".join(struct.pack("!HH", 0x8000 | t, len(v)) + v for t, v in extensions) + b"\x80\0\0\0"

    def head(total):
        return HEAD.pack(1, 0x0800, bytes(5), hops, HEAD.size + len(body), total, at, 1, kind, 4, 0)

    return head(checksum(head(0) + body)) + body


def cies_of(data):
    while len(data) >= CIE.size:
        code, prefix, _, _, holding, nbma_len, sub_len, proto_len, _ = CIE.unpack_from(data)
        end = CIE.size + (nbma_len & 63) + sub_len + proto_len
        nbma, proto = data[CIE.size : CIE.size + (nbma_len & 63)], data[end - proto_len : end]
        yield {"code": code, "prefix": prefix, "holding": holding, "nbma": nbma and socket.inet_ntoa(nbma),
               "protocol": proto and socket.inet_ntoa(proto)}
        data = data[end:]


def parse(data):
    hops, size, _, at, _, kind = HEAD.unpack_from(data)[3:9]
    seen = {"type": kind, "hops": hops}
    if checksum(data[:size]) != 0:
        return {**seen, "bad": "checksum"}
    if kind in (ERROR, TRAFFIC):
        return seen
    _, _, flags, request_id, nbma, src, dst = MAND.unpack_from(data, HEAD.size)
    rest = data[HEAD.size + MAND.size : at or size]
    return {**seen, "flags": flags, "id": request_id, "nbma": socket.inet_ntoa(nbma), "src": socket.inet_ntoa(src),
            "dst": socket.inet_ntoa(dst), "cies": [{k: v or None if k in ("nbma", "protocol") else v for k, v in c.items()}
                                                   for c in cies_of(rest)]}


class Peer:
    def __init__(self, local, hub, key, protocol, hub_protocol, lan):
        self.nbma, self.hub, self.protocol, self.hub_protocol = ip(local), hub, ip(protocol), ip(hub_protocol)
        self.lan = ipaddress.ip_network(lan)
        self.gre = struct.pack("!HHI", KEY_BIT, NHRP, int(key))
        self.gre_ip = struct.pack("!HHI", KEY_BIT, IPV4, int(key))
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, GRE)
        self.sock.bind((local, 0))

    def send(self, data, to=None):
        self.sock.sendto(self.gre + data, (to or self.hub, 0))

    def ask(self, kind, flags, dst, cies):
        self.send(packet(kind, flags, random.getrandbits(32), self.nbma, self.protocol, dst, cies))

    def send_ip(self, dst):
        src, data = self.lan[1].packed, b"\0\x09\0\x09\0\x20\0\0" + bytes(24)  # UDP, discard

        def head(total):
            return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(data), 0, 0, 64, 17, total, src, dst)

        self.sock.sendto(self.gre_ip + head(checksum(head(0))) + data, (self.hub, 0))

    def register(self):
        self.ask(REG_REQ, 0, self.hub_protocol, [cie(32, holding=HOLD)])

    def command(self, line):
        word, *rest = line.split()
        if word == "register":
            self.register()
        elif word == "resolve":
            self.ask(RES_REQ, 0xC800, ip(rest[0]), [cie(32, holding=HOLD)])
        elif word == "purge":
            self.ask(PURGE_REQ, 0, self.hub_protocol, [cie(32, proto=ip(rest[0]))])
        elif word == "send":
            self.send_ip(ip(rest[0]))

    def receive(self, outer, data):
        seen = parse(data)
        print(json.dumps({**seen, "from": outer}), flush=True)
        if "bad" in seen or "id" not in seen:
            return
        src, dst = ip(seen["src"]), ip(seen["dst"])
        if seen["type"] == RES_REQ and ipaddress.ip_address(seen["dst"]) in self.lan:
            answer = [cie(self.lan.prefixlen, self.nbma, self.protocol, HOLD)]
            # By the way it came, so that the hubs between see it.
            self.send(packet(RES_REP, seen["flags"] | 0x6000, seen["id"], ip(seen["nbma"]), src, dst, answer), outer)
        if seen["type"] == PURGE_REQ and not seen["flags"] & 0x8000:
            same = [cie(c["prefix"], b"", ip(c["protocol"])) for c in seen["cies"]]
            self.send(packet(PURGE_REP, seen["flags"], seen["id"], ip(seen["nbma"]), src, dst, same), outer)

    def run(self):
        self.register()
        while True:
            ready, _, _ = select([self.sock, sys.stdin], [], [])
            if self.sock in ready:
                data, (outer, _) = self.sock.recvfrom(65535)
                data = data[(data[0] & 15) * 4 :]
                if data.startswith(self.gre):
                    self.receive(outer, data[len(self.gre) :])
            if sys.stdin in ready:
                line = sys.stdin.readline()
                if not line:
                    return
                self.command(line)


Peer(*sys.argv[1:]).run()
