# shellcheck shell=bash
# topology: static
# TCP and UDP of real kernels through the hub, both ways: LAN to LAN of two spokes, and between a spoke's and the hub's.

BYTES=1500000
RATE=8M # User-Mode Linux is for function, not for load

lan_of() { # hub's lan, or a spoke: its address, and how commands run there
	case $1 in
	lan) address=$HUB_LAN.10 host= ;;
	*) node_ids "$1" && address=$LAN.10 host='ip netns exec lan ' ;;
	esac
}

in_lan_of() { # WHERE COMMAND
	local address host
	lan_of "$1"
	lab_exec "$1" "$host$2"
}

listens() { in_lan_of "$1" "ss -Hltn sport = 5201" | grep -q .; }

# iperf FROM TO FILTER ARGUMENT...: the filter is true of the client's report. The receiver stops counting when the sender is
# done, with the last of it under way.
iperf() {
	local from=$1 to=$2 filter=$3 report=$LAB_RUN/iperf.json address host
	shift 3
	in_lan_of "$to" "iperf3 -s -1 -D"
	wait_for 5 "iperf3 listens at $to" listens "$to"
	lan_of "$to"
	in_lan_of "$from" "timeout 30 iperf3 -J -c $address $*" > "$report" || fail "$from $to $*: $(jq -r .error "$report")"
	jq -e "$filter" "$report" > /dev/null || fail "$from $to $*: $(jq -c '.end | {sum, sum_sent, sum_received}' "$report")"
}

for spoke in $LAB_SPOKES; do wait_registered "$spoke" 20; done
wait_for 10 "spoke1 reaches spoke2" reaches spoke1 10.1.12.10
wait_for 10 "spoke1 reaches the hub's LAN" reaches spoke1 10.1.1.10
for to in spoke2 lan; do
	for way in "" --reverse; do
		iperf spoke1 "$to" ".end | .sum_received.bytes * 10 >= $BYTES * 8 and .sum_sent.retransmits < 50" -n $BYTES -b $RATE -w 128K $way
		iperf spoke1 "$to" ".end.sum | .lost_packets == 0 and .packets >= 100" -u -n 120000 -l 1200 -b 1M $way
	done
done
wait_for 5 "the hub is drained" hub_drained
