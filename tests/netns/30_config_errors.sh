#!/usr/bin/env bash
# dmvpnd -n -c FILE: a good file passes; each mistake is told with file:line:column, field, value and what is allowed, the
# status is not 0, and nothing was touched.
. "$(dirname "$0")/_init.sh"

# Where the NTH line with a value has it: "LINE:COLUMN", both from 1.
place_of() { # FILE VALUE NTH
	awk -v v="$2" -v nth="$3" '(at = index($0, v)) && ++n == nth { print NR ":" at; exit }' "$1"
}

check_file() { # FILE -> status of the check, words in $HUB_LOG
	in_hub "$DMVPND" -n -c "$1" >"$HUB_LOG" 2>&1
}

# bad WHAT FIELD VALUE ALLOWED SED [NTH]: the good file changed by SED; FIELD and ALLOWED are regular expressions, VALUE is
# the text that the message must repeat and point at (at the NTH line that has it, default the first).
bad() {
	local what=$1 field=$2 value=$3 allowed=$4 file=$TMP/bad.yaml place line
	sed "$5" "$TMP/good.yaml" >"$file"
	cmp -s "$TMP/good.yaml" "$file" && { check "$what: the test changes the file" false; return; }
	refuse "$what: refused" check_file "$file"
	place=$(place_of "$file" "$value" "${6:-1}")
	line=$(grep -F "$file:$place: " "$HUB_LOG")
	check "$what: $place, field, value, what is allowed" message_has "$line" "$field" "$value" "$allowed"
}

message_has() { # LINE FIELD VALUE ALLOWED
	if [[ $1 =~ $2 && $1 == *"$3"* && $1 =~ $4 ]]; then
		return
	fi
	sed 's/^/    /' "$HUB_LOG"
	return 1
}

draw_topology
cat >"$TMP/good.yaml" <<EOC
dataplane:
  control-lcore: 0
  worker-lcores: [0]
  huge-pages: off
  idle: sleep
  limits:
    spokes: 100
control:
  socket: $SOCK
ports:
  - name: wan0
    device: "net_af_packet0,iface=v-wan"
    role: underlay
    mtu: 1500
    descriptors: 512
    addresses: [192.0.2.1/24]
  - name: lan0
    device: "net_af_packet1,iface=v-lan"
    role: lan
    addresses: [10.1.1.1/24]
routes:
  - prefix: 203.0.113.0/24
    via: 192.0.2.254
tunnels:
  - name: Tunnel42
    source: wan0
    key: 42
    addresses: [10.255.0.1/24]
    mtu: 1400
    nhrp:
      network-id: 77
      holdtime: 600
      redirect: true
      map:
        - protocol: 10.255.0.31
          nbma: 192.0.2.31
EOC
check "the good file passes" check_file "$TMP/good.yaml"
refuse "checking makes no twin" ip -n "$HUB" link show dev wan0

bad "number too large" 'mtu' 99999 '576.*9190' 's/mtu: 1500/mtu: 99999/'
bad "number too small" 'mtu' 501 '576' 's/mtu: 1400/mtu: 501/'
bad "negative number" 'key' -1 '4294967295' 's/key: 42/key: -1/'
bad "not a number" 'holdtime' soon '10.*65535' 's/holdtime: 600/holdtime: soon/'
bad "number and more" 'holdtime' 60s '10.*65535' 's/holdtime: 600/holdtime: 60s/'
bad "beyond 64 bits" 'key' 18446744073709551658 '4294967295' 's/key: 42/key: 18446744073709551658/'
bad "not a power of two" 'descriptors' 511 'power of two' 's/descriptors: 512/descriptors: 511/'
bad "not a word of the list" 'role' outside 'underlay.*lan.*both' 's/role: underlay/role: outside/'
bad "not true or false" 'redirect' maybe 'true.*false' 's/redirect: true/redirect: maybe/'
bad "unknown key at the top" 'colour' colour '.' '1i colour: red'
bad "unknown key inside" 'holdtme' holdtme '.' 's/holdtime: 600/holdtme: 600/'
bad "address without length" 'addresses' 192.0.2.1 '/' 's,\[192.0.2.1/24\],[192.0.2.1],'
bad "length beyond 32" 'addresses' 10.255.0.1/33 '32' 's,10.255.0.1/24,10.255.0.1/33,'
bad "not an address" 'nbma' 192.0.2.310 'address' 's/nbma: 192.0.2.31/nbma: 192.0.2.310/'
bad "a host bit in a route" 'prefix' 203.0.113.9/24 'host bits' 's,203.0.113.0/24,203.0.113.9/24,'
bad "interface name too long" 'name' Tunnel0123456789 '15' 's/name: Tunnel42/name: Tunnel0123456789/'
bad "two ports of one name" 'name' wan0 '.' 's/name: lan0/name: wan0/' 2
bad "source that is no port" 'source' nowhere '.' 's/source: wan0/source: nowhere/'
bad "gateway in no subnet" 'via' 198.51.100.1 '.' 's/via: 192.0.2.254/via: 198.51.100.1/'
bad "the same key twice" 'mtu' mtu 'line 14' 's/^    mtu: 1500/&\n&/' 2
bad "a list where a value belongs" 'mtu' '[1500]' '.' 's/mtu: 1500/mtu: [1500]/'
bad "a required key is missing" 'network-id' nhrp 'missing' '/network-id/d'
bad "a protection that is not there" 'protection' dmvpn 'name of one' 's/^    key: 42/&\n    protection: dmvpn/'

for file in "$TOP"/conf/*.yaml; do
	check "the sample ${file##*/} passes" check_file "$file"
done

refuse "not YAML: refused" check_file <(echo 'ports: [')
printf 'ports: [\n  {name: wan0\n' >"$TMP/broken.yaml"
refuse "broken YAML: refused" check_file "$TMP/broken.yaml"
check "broken YAML: file and place" grep -qE "$TMP/broken.yaml:[0-9]+:[0-9]+: " "$HUB_LOG"
refuse "a file that is not there: refused" check_file "$TMP/none.yaml"
check "a file that is not there: named" grep -q "$TMP/none.yaml" "$HUB_LOG"
refuse "an unknown option: refused" in_hub "$DMVPND" --no-such-option
refuse "no file at all: refused" in_hub "$DMVPND" -n
check "-V prints the version" grep -qE '[0-9]+\.[0-9]+' <(in_hub "$DMVPND" -V)
# What -n refuses, a start refuses too, and before it touches anything.
sed 's/mtu: 1500/mtu: 99999/' "$TMP/good.yaml" >"$TMP/bad.yaml"
check "a start with a bad file ends with a status" hub_fails -c "$TMP/bad.yaml"
refuse "and made no twin" ip -n "$HUB" link show dev wan0
finish
