# shellcheck shell=bash
# SAs by hand between the hub and the kernels of spokes. ESP's numbers and names are those of the kernel (ip xfrm).

# esp_key BYTES: hexadecimal, random
esp_key() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }

# What the hub and the kernel call an algorithm, and how long its keys are.
#   esp_algorithm NAME: sets KEY_BYTES, AUTH_BYTES, and XFRM, in which KEY and AUTH are to be replaced
esp_algorithm() {
	AUTH_BYTES=0
	case $1 in
	aes128gcm16) KEY_BYTES=20 XFRM="aead 'rfc4106(gcm(aes))' 0xKEY 128" ;;
	aes192gcm16) KEY_BYTES=28 XFRM="aead 'rfc4106(gcm(aes))' 0xKEY 128" ;;
	aes256gcm16) KEY_BYTES=36 XFRM="aead 'rfc4106(gcm(aes))' 0xKEY 128" ;;
	chacha20poly1305) KEY_BYTES=36 XFRM="aead 'rfc7539esp(chacha20,poly1305)' 0xKEY 128" ;;
	aes128-*) KEY_BYTES=16 XFRM="enc 'cbc(aes)' 0xKEY" ;;
	aes256-*) KEY_BYTES=32 XFRM="enc 'cbc(aes)' 0xKEY" ;;
	null-*) KEY_BYTES=0 XFRM="enc 'ecb(cipher_null)' ''" ;;
	esac
	case $1 in
	*-sha1) AUTH_BYTES=20 XFRM+=" auth-trunc 'hmac(sha1)' 0xAUTH 96" ;;
	*-sha256) AUTH_BYTES=32 XFRM+=" auth-trunc 'hmac(sha256)' 0xAUTH 128" ;;
	*-sha384) AUTH_BYTES=48 XFRM+=" auth-trunc 'hmac(sha384)' 0xAUTH 192" ;;
	*-sha512) AUTH_BYTES=64 XFRM+=" auth-trunc 'hmac(sha512)' 0xAUTH 256" ;;
	esac
}

# The kernel of a spoke learns ESP, and to send and take nothing but ESP in the tunnel.
esp_policies() { # SPOKE
	node_ids "$1"
	spoke_exec "$1" "
		modprobe -a esp4 xfrm_user seqiv gcm ghash-generic cbc hmac authenc authencesn echainiv chacha20poly1305 sha512_generic \
			sha256_generic sha1_generic crypto_null 2>/dev/null
		ip xfrm policy add src $NBMA/32 dst $HUB_NBMA/32 proto gre dir out \
			tmpl src $NBMA dst $HUB_NBMA proto esp reqid 1 mode transport
		ip xfrm policy add src $HUB_NBMA/32 dst $NBMA/32 proto gre dir in \
			tmpl src $HUB_NBMA dst $NBMA proto esp reqid 1 mode transport"
}

esp_hub_add() { # DIRECTION REMOTE SPI ALGORITHM KEY AUTH ESN NATT-PORT
	jq -n --arg dir "$1" --arg local "$HUB_NBMA" --arg remote "$2" --argjson spi "$3" --arg alg "$4" --arg key "$5" \
		--arg auth "$6" --argjson esn "$7" --argjson natt "$8" \
		'{direction: $dir, local: $local, remote: $remote, spi: $spi, protection: "dmvpn", algorithm: $alg, key: $key,
		auth_key: $auth, esn: $esn, natt_port: $natt}' | ctl call sa.add - > /dev/null
}

# The command that gives a spoke's kernel one SA.
esp_xfrm() { # SRC DST SPI KEY AUTH ESN WINDOW ENCAP
	local flags="replay-window $7" xfrm=${XFRM//KEY/$4}
	[ "$6" = false ] || flags+=" flag esn"
	echo "ip xfrm state add src $1 dst $2 proto esp spi $3 mode transport reqid 1 $flags ${xfrm//AUTH/$5} $8 || exit 1"
}

# A pair of SAs, both ends; the newest sends.  SPI is that towards the hub, the other one is 1 more.  Who receives has it first.
esp_pair() { # SPOKE ALGORITHM SPI [ESN WINDOW NATT-PORT]
	local spoke=$1 alg=$2 spi=$3 esn=${4:-false} window=${5:-32} natt=${6:-0} in out in_auth out_auth encap_in='' encap_out=''
	node_ids "$spoke"
	esp_algorithm "$alg"
	if [ "$natt" != 0 ]; then
		encap_out="encap espinudp $natt 4500 0.0.0.0"
		encap_in="encap espinudp 4500 $natt 0.0.0.0"
	fi
	in=$(esp_key "$KEY_BYTES") in_auth=$(esp_key "$AUTH_BYTES")
	out=$(esp_key "$KEY_BYTES") out_auth=$(esp_key "$AUTH_BYTES")
	esp_hub_add in "$NBMA" "$spi" "$alg" "$in" "$in_auth" "$esn" "$natt"
	spoke_exec "$spoke" "$(esp_xfrm "$HUB_NBMA" "$NBMA" $((spi + 1)) "$out" "$out_auth" "$esn" "$window" "$encap_in")
		$(esp_xfrm "$NBMA" "$HUB_NBMA" "$spi" "$in" "$in_auth" "$esn" "$window" "$encap_out")"
	esp_hub_add out "$NBMA" $((spi + 1)) "$alg" "$out" "$out_auth" "$esn" "$natt"
}

# The sender's first; what is on its way still meets the receiver's.
esp_pair_delete() { # SPOKE SPI
	node_ids "$1"
	ctl call sa.delete "{\"direction\":\"out\",\"local\":\"$HUB_NBMA\",\"remote\":\"$NBMA\",\"spi\":$(($2 + 1))}" > /dev/null
	spoke_exec "$1" "ip xfrm state delete src $NBMA dst $HUB_NBMA proto esp spi $2
		ip xfrm state delete src $HUB_NBMA dst $NBMA proto esp spi $(($2 + 1))"
	ctl call sa.delete "{\"direction\":\"in\",\"local\":\"$HUB_NBMA\",\"spi\":$2}" > /dev/null
}

# Errors that the kernel of a spoke counts of what it was sent: "NAME COUNT" lines
esp_spoke_errors() { spoke_exec "$1" "awk '\$2 > 0 && \$1 ~ /^XfrmIn/ { print \$1, \$2 }' /proc/net/xfrm_stat"; }

# What must not be on the wire between spokes and hub, GRE in clear and what FILTER says, from clear_listen to clear_none.
clear_listen() { # [FILTER]
	rm -f "$LAB_RUN/clear.pcap"
	ip netns exec "$NS_NET" tcpdump -U -ni br0 -w "$LAB_RUN/clear.pcap" "host $HUB_NBMA and (ip proto 47${1:+ or $1})" \
		2> "$LAB_RUN/clear.log" &
	clear_pid=$!
	wait_for 10 "tcpdump listens" grep -q listening "$LAB_RUN/clear.log"
}

clear_none() {
	local packets
	kill $clear_pid
	wait $clear_pid || true
	packets=$(tcpdump -nr "$LAB_RUN/clear.pcap" 2> /dev/null | wc -l)
	[ "$packets" -eq 0 ] || fail "$packets packets of GRE in clear"
}

# The kernel of a spoke takes ESP in UDP at PORT, and sends 20 keep-alives from there when told by esp_natt_keepalives.
esp_natt_socket() { # SPOKE PORT
	spoke_exec "$1" "perl -e '
		socket(S, 2, 2, 17) and setsockopt(S, 17, 100, pack(\"i\", 2)) and bind(S, pack(\"S n a4 x8\", 2, $2, \"\\0\" x 4)) or exit 1;
		\$hub = pack(\"S n C4 x8\", 2, 4500, split(/[.]/, \"$HUB_NBMA\"));
		\$SIG{USR1} = sub { send(S, \"\\xff\", 0, \$hub) for 1 .. 20 };
		open(P, \">/run/natt.pid\"); print P \"\$\$\n\"; close(P);
		sleep 1000 while 1' > /dev/null 2>&1 < /dev/null &
		for i in 1 2 3 4 5 6 7 8 9; do [ ! -s /run/natt.pid ] || exit 0; sleep 1; done; exit 1"
}

esp_natt_keepalives() { spoke_exec "$1" 'kill -USR1 $(cat /run/natt.pid)'; }

# Packets of ESP that the hub refused: "REASON COUNT" lines, without those in clear and for want of an SA.
hub_refused_esp() {
	hub_json drops '.drops[] | select(.pkts > 0 and (.reason | test("^esp-") and . != "esp-clear" and . != "esp-no-sa"))
		| "\(.reason) \(.pkts)"' || true
}
