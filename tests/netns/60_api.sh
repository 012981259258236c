#!/usr/bin/env bash
# The control socket as a hostile or clumsy client sees it: JSON-RPC 2.0, one object per line.
. "$(dirname "$0")/_init.sh"

# ask LINE...: sends the lines on one connection, prints the answers
ask() {
	printf '%s\n' "$@" | socat -t 10 - "UNIX-CONNECT:$SOCK"
}

# answers WHAT JQ LINE...: the answers, as one array, satisfy the expression
answers() {
	local what=$1 expression=$2 got
	shift 2
	got=$(ask "$@")
	check "$what" satisfies "$expression" "$got"
}

satisfies() {
	jq -es "$1" >/dev/null <<<"$2" || { echo "    got: ${2:0:400}"; return 1; }
}

# python_client: a script on stdin, with the socket's path as its argument
python_client() {
	python3 - "$SOCK"
}

error_is() { # CODE -> a jq expression over the array of answers
	echo "length == 1 and .[0].jsonrpc == \"2.0\" and .[0].error.code == $1 and (.[0].error.message | length > 0)
		and (.[0] | has(\"result\") | not) and (.[0] | has(\"id\"))"
}

draw_topology
write_config
need "the daemon starts" start_hub

for method in system.info spoke.list nhrp.list nhs.list route.list port.list tunnel.list drop.list worker.list event.list; do
	answers "$method answers" 'length == 1 and .[0].id == 7 and (.[0].result | type) == "object"' \
		"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"$method\"}"
done
answers "an id may be a string" '.[0].id == "a b" and (.[0] | has("result"))' \
	'{"jsonrpc":"2.0","id":"a b","method":"system.info"}'
answers "malformed JSON: parse error, id null" "$(error_is -32700) and .[0].id == null" '{"jsonrpc":'
answers "bytes that are no text: parse error" "$(error_is -32700)" $'\xff\xfe{}'
answers "not an object: invalid request" "$(error_is -32600) and .[0].id == null" '42'
answers "no method: invalid request" "$(error_is -32600)" '{"jsonrpc":"2.0","id":1}'
answers "another version: invalid request" "$(error_is -32600)" '{"jsonrpc":"1.0","id":1,"method":"system.info"}'
answers "an id that is an object: invalid request" "$(error_is -32600)" \
	'{"jsonrpc":"2.0","id":{},"method":"system.info"}'
answers "unknown method: by its code, with the id" "$(error_is -32601) and .[0].id == 3" \
	'{"jsonrpc":"2.0","id":3,"method":"no.such"}'
answers "unknown parameter: named" "$(error_is -32602) and (.[0].error.message | test(\"colour\"))" \
	'{"jsonrpc":"2.0","id":3,"method":"system.info","params":{"colour":1}}'
answers "parameters of a wrong type" "$(error_is -32602)" \
	'{"jsonrpc":"2.0","id":3,"method":"system.info","params":"x"}'
answers "a notification gets no answer, the next request does" 'length == 1 and .[0].id == 2' \
	'{"jsonrpc":"2.0","method":"system.info"}' '{"jsonrpc":"2.0","id":2,"method":"system.info"}'
answers "nor does a notification of an unknown method" 'length == 1 and .[0].id == 2' \
	'{"jsonrpc":"2.0","method":"no.such"}' '{"jsonrpc":"2.0","id":2,"method":"system.info"}'
answers "many requests on one connection: answered in order" 'map(.id) == [range(1; 51)]' \
	$(seq -f '{"jsonrpc":"2.0","id":%g,"method":"worker.list"}' 50)
answers "a batch is answered as an array" 'length == 1 and (.[0] | map(.id)) == [1, 2]' \
	'[{"jsonrpc":"2.0","id":1,"method":"system.info"},{"jsonrpc":"2.0","id":2,"method":"drop.list"}]'
answers "an empty batch: invalid request" "$(error_is -32600)" '[]'
answers "one error does not end the connection" 'map(has("error")) == [true, false]' \
	'nonsense' '{"jsonrpc":"2.0","id":2,"method":"system.info"}'
check "a request without its newline is answered at the end" satisfies '.[0].id == 9' \
	"$(printf '{"jsonrpc":"2.0","id":9,"method":"system.info"}' | socat -t 10 - "UNIX-CONNECT:$SOCK")"
# Who talks on after the server has had enough is cut off, but the reason is there to be read.
got=$(python_client <<'PY'
import socket, sys

s = socket.socket(socket.AF_UNIX)
s.settimeout(10)
s.connect(sys.argv[1])
try:
    s.sendall(b"x" * 100000 + b"\n")
except (BrokenPipeError, ConnectionResetError):
    pass
print(s.makefile().readline())
PY
)
check "a line beyond the limit: refused with the limit" satisfies \
	"$(error_is -32600) and (.[0].error.message | test(\"65536\"))" "$got"
answers "deep nesting: an error, not a crash" '.[0].error.code == -32700 or .[0].error.code == -32600' \
	"$(head -c 60000 /dev/zero | tr '\0' '[')"

python_client <<'PY'
import json, socket, sys

def connect():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(10)
    s.connect(sys.argv[1])
    return s, s.makefile("r")

request = b'{"jsonrpc":"2.0","id":1,"method":"system.info"}\n'
clients, served, busy = [], 0, 0
for _ in range(100):
    s, f = connect()
    try:
        s.sendall(request)
    except BrokenPipeError:
        pass  # turned away already: the line that says so is there to be read
    answer = json.loads(f.readline())
    served += "result" in answer
    busy += answer.get("error", {}).get("code") == -32000
    clients.append((s, f))
print(f"    of 100 clients {served} were served, {busy} were told that it is busy")
sys.exit(0 if served >= 16 and busy > 0 and served + busy == 100 else 1)
PY
check "100 clients at once: each is served or told why not" test $? -eq 0
eventually "after them, one is served again" 3 hub_json system.info

# A client that asks and never reads must not cost the others anything, nor memory without end.
rss_before=$(awk '/VmRSS/ { print $2 }' "/proc/$HUB_PID/status")
python_client <<'PY'
import json, socket, sys, time

lazy = socket.socket(socket.AF_UNIX)
lazy.connect(sys.argv[1])
lazy.setblocking(False)
request = b'{"jsonrpc":"2.0","id":1,"method":"drop.list"}\n' * 100
sent, quiet_since = 0, time.monotonic()
while time.monotonic() - quiet_since < 0.5:  # until it takes no more
    try:
        sent += lazy.send(request)
        quiet_since = time.monotonic()
    except BlockingIOError:
        pass
    if sent > 64 << 20:
        sys.exit("    64 MB of requests without reading: taken")
other = socket.socket(socket.AF_UNIX)
other.settimeout(5)
other.connect(sys.argv[1])
other.sendall(b'{"jsonrpc":"2.0","id":2,"method":"system.info"}\n')
sys.exit(0 if json.loads(other.makefile().readline())["id"] == 2 else 1)
PY
check "a client that never reads does not hold up another" test $? -eq 0
rss_after=$(awk '/VmRSS/ { print $2 }' "/proc/$HUB_PID/status")
check "nor does it take memory (before $rss_before KiB, after $rss_after KiB)" test $((rss_after - rss_before)) -lt 8192
head -c 300000 /dev/urandom | socat -t 2 - "UNIX-CONNECT:$SOCK" >/dev/null 2>&1
check "random bytes: it still answers" hub_json system.info
check "the socket is root's only" equal "$(stat -c %a "$SOCK")" 600

# ---- the command line over it
for noun in system spokes nhrp nhs routes ports tunnels drops workers events; do
	check "dmvpnctl show $noun" grep -q . <(hub_ctl show "$noun")
	check "dmvpnctl -j show $noun is JSON" satisfies '(.[0] | type) == "object"' "$(hub_ctl -j show "$noun")"
done
refuse "dmvpnctl: an unknown noun" hub_ctl show nonsense
refuse "dmvpnctl: no daemon there" "$DMVPNCTL" -s "$TMP/none.sock" show system
check "dmvpnctl: and it names the socket" grep -q "$TMP/none.sock" <("$DMVPNCTL" -s "$TMP/none.sock" show system 2>&1)
second() {
	sed "s/v-wan/v-lan/" "$HUB_CONF" >"$TMP/second.yaml"
	in_hub timeout 20 "$DMVPND" -c "$TMP/second.yaml"
}
refuse "a second daemon on the same socket is refused" second
check "and the first one still answers" hub_json system.info
check_balance
check "it stops with status 0 and no leak" stop_hub
refuse "the socket is gone with it" test -e "$SOCK"
finish
