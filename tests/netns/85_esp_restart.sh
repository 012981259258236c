#!/usr/bin/env bash
# No number is used twice with a key, whatever ends the daemon: it is killed with -9 under traffic, many times, and gets the
# same key under the same SPI again each time; and within one life the SA is deleted and added, and replaced, under traffic.
# The truth is the wire: each (SPI, IV) that was captured is there once, and each SA's numbers are above all before it.
. "$(dirname "$0")/_init.sh"

LIVES=20
AGAIN=8 # additions of the SA within one life
PEER=192.0.2.100 # nothing there takes ESP: its namespace only captures
SPI=4660
KEY=000102030405060708090a0b0c0d0e0f10111213 # of aes128gcm16: with one key a number is an IV
DST=10.255.0.31
RECORD=$((16 + 14 + 20 + 8 + 8 + 4 + 4 + 20 + 8 + 64 + 2 + 16)) # bytes in the capture, about: a packet of the traffic, encrypted
ADDED=$TMP/added # "SEQUENCE BOUND" of each addition

protect() {
	sed -i -e "s|control: {|control: {sequence-file: $TMP/sequence-numbers, |" -e "s|    mtu: 1400|&\n    protection: p|" "$HUB_CONF"
	echo "protection: [{name: p, algorithms: [aes128gcm16]}]" >>"$HUB_CONF"
}

sa_add() { # [MORE of the request, in JSON]
	local request="{\"direction\": \"out\", \"local\": \"192.0.2.1\", \"remote\": \"$PEER\", \"spi\": $SPI,
		\"protection\": \"p\", \"algorithm\": \"aes128gcm16\", \"key\": \"$KEY\"}"
	hub_ctl -j call sa.add - <<<"$request" >"$TMP/sa.json" && jq -r '"\(.sequence) \(.bound)"' "$TMP/sa.json" >>"$ADDED"
}

sa_delete() {
	hub_ctl call sa.delete "{\"direction\": \"out\", \"local\": \"192.0.2.1\", \"remote\": \"$PEER\", \"spi\": $SPI}" >/dev/null
}

capture_bytes() {
	stat -c %s "$TMP/esp.pcap"
}

captured_more() { # BYTES-BEFORE COUNT
	[ "$(capture_bytes)" -ge $(($1 + $2 * RECORD)) ]
}

# sa_sends COUNT: from now on so many are captured. What was on its way before is not more than a few.
sa_sends() {
	within 10 captured_more "$(capture_bytes)" "$1"
}

traffic_start() {
	ip netns exec "$LAN" python3 - $DST <<-'EOP' &
		import socket, sys, time

		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		while True:
		    for _ in range(10):
		        try:
		            s.sendto(bytes(64), (sys.argv[1], 9))
		        except OSError: # nobody there, or the queue is full
		            pass
		    time.sleep(0.005)
	EOP
	TRAFFIC_PID=$!
	children+=("$TRAFFIC_PID")
}

# Every SA gets to send, some hundreds of packets or the first ones only.
lives() {
	local i
	for ((i = 1; i <= LIVES; i++)); do
		start_hub && sa_add && sa_sends $((i % 4 == 0 ? 1 : 100 * (i % 4))) || { echo "    life $i"; return 1; }
		kill_hub
	done
}

additions() {
	local i
	for ((i = 1; i <= AGAIN; i++)); do
		((i % 2 == 0)) || sa_delete || return 1
		sa_add && sa_sends 20 || { echo "    addition $i"; return 1; }
	done
}

wire_is_right() {
	python3 - "$TMP/esp.pcap" "$ADDED" $SPI <<-'EOP'
		import struct, sys

		data = open(sys.argv[1], "rb").read()
		added = [tuple(map(int, line.split())) for line in open(sys.argv[2])]
		pos, seen, numbers, faults = 24, set(), [], []
		while pos + 16 <= len(data):
		    caplen = struct.unpack_from("<I", data, pos + 8)[0]
		    spi, seq, iv = struct.unpack_from("!II8s", data, pos + 16 + 14 + 20)
		    if data[pos + 16 + 14 + 9] != 50:
		        faults.append(f"in clear: protocol {data[pos + 16 + 14 + 9]}")
		    pos += 16 + caplen
		    if spi != int(sys.argv[3]):
		        faults.append(f"SPI {spi}")
		    if (spi, iv) in seen:
		        faults.append(f"twice: SPI {spi}, number {seq}, IV {iv.hex()}")
		    seen.add((spi, iv))
		    numbers.append(seq)
		for low, high in zip(numbers, numbers[1:]):
		    if high <= low:
		        faults.append(f"number {high} after {low}")
		for (_, bound), (sequence, _) in zip(added, added[1:]):
		    if sequence < bound:
		        faults.append(f"an SA began after {sequence}, the one before it was given all up to {bound}")
		used = [sum(low < n <= high for n in numbers) for low, high in added]
		if 0 in used:
		    faults.append(f"SA {used.index(0) + 1} sent nothing")
		if sum(used) != len(numbers):
		    faults.append(f"{len(numbers) - sum(used)} numbers that no SA was given")
		print(f"    {len(numbers)} packets of {len(added)} SAs, {min(used)} to {max(used)} each, {len(seen)} pairs of SPI and IV")
		for fault in faults[:5]:
		    print("   ", fault)
		sys.exit(bool(faults))
	EOP
}

draw_topology
write_config "map: [{protocol: $DST, nbma: $PEER}]"
protect
: >"$ADDED"
capture_start esp "$WAN" eth0 "src host 192.0.2.1 and (ip proto 50 or ip proto 47 or udp)"
traffic_start
need "$LIVES lives under traffic, each ended by kill -9" lives
need "another one" start_hub
need "it adds the SA" sa_add
need "... and deletes and adds it, or replaces it, $AGAIN times under traffic" additions
kill -TERM "$TRAFFIC_PID"
check_balance
check "it stops with status 0 and no leak" stop_hub
check "nothing left in clear; no (SPI, IV) twice, no number below an earlier one" wire_is_right
finish
