# shellcheck shell=bash
# strongSwan, as Debian has it, on the spokes and on the hub; the hub's has our library preloaded. Logs: $LAB_RUN/ike/.

IKE_DIR=$LAB_RUN/ike
IKE_PSK=lab-psk-0123456789

ike_strongswan_conf() { # LOG [PLUGINS]
	echo "charon {
  load_modular = yes
  threads = 8
  install_routes = no
  install_virtual_ip = no
  retransmit_tries = 3
  retransmit_timeout = 1.0
  plugins {
    include /etc/strongswan.d/charon/*.conf
    bypass-lan {
      load = no
    }
    ${2:-}
  }
  filelog {
    lab {
      path = $1
      default = 1
      ike = 1
      knl = 1
      flush_line = yes
    }
  }
}"
}

ike_swanctl_conf() { # NAME LOCAL REMOTE START-ACTION PROPOSAL
	echo "connections {
  dmvpn {
    version = 2
    mobike = no
    unique = replace
    dpd_delay = 5
    local_addrs = $2
    remote_addrs = $3
    proposals = aes128-sha256-ecp256
    local {
      auth = psk
      id = $1.lab
    }
    remote {
      auth = psk
    }
    children {
      dmvpn {
        esp_proposals = $5
        local_ts = dynamic[gre]
        remote_ts = dynamic[gre]
        mode = transport
        start_action = $4
        dpd_action = clear
      }
    }
  }
}
secrets {
  ike-lab {
    secret = $IKE_PSK
  }
}"
}

# charon-systemd has no file with its number, so labs do not meet.
ike_hub_start() { # PROPOSAL
	mkdir -p "$IKE_DIR"
	ike_strongswan_conf "$IKE_DIR/hub.log" "vici { socket = unix://$IKE_DIR/vici }" > "$IKE_DIR/strongswan.conf"
	ike_swanctl_conf hub "$HUB_NBMA" %any none "$1" > "$IKE_DIR/swanctl.conf"
	: > "$IKE_DIR/hub.log"
	ip netns exec "$NS_HUB" env STRONGSWAN_CONF="$IKE_DIR/strongswan.conf" DMVPN_XFRM_SOCKET="$HUB_RUN/xfrm.sock" \
		LD_PRELOAD="$(realpath "$LAB_BUILD/control/ike/preload/dmvpn-xfrm.so")" /usr/sbin/charon-systemd \
		> "$IKE_DIR/hub.out" 2>&1 &
	process_note "$IKE_DIR/hub.pid" $!
	wait_for 20 "charon on the hub has its control socket" test -S "$IKE_DIR/vici"
	ike_swanctl --load-all --file "$IKE_DIR/swanctl.conf" --noprompt
}

ike_swanctl() { STRONGSWAN_CONF=$IKE_DIR/strongswan.conf swanctl "$@" --uri "unix://$IKE_DIR/vici"; }

ike_hub_stop() { kill "$(process_pid "$IKE_DIR/hub.pid")"; }

ike_spoke_start() { # SPOKE PROPOSAL
	node_ids "$1"
	spoke_exec "$1" "
		modprobe -a esp4 xfrm_user seqiv gcm ghash-generic cbc hmac authenc authencesn echainiv sha256_generic 2>/dev/null
		mount -t tmpfs tmpfs /etc/swanctl
		cat > /etc/swanctl/strongswan.conf <<-EOT
		$(ike_strongswan_conf /var/log/charon.log)
		EOT
		cat > /etc/swanctl/swanctl.conf <<-EOT
		$(ike_swanctl_conf "$1" "$NBMA" "$HUB_NBMA" trap "$2")
		EOT
		STRONGSWAN_CONF=/etc/swanctl/strongswan.conf /usr/sbin/charon-systemd > /var/log/charon.out 2>&1 &
		for i in 1 2 3 4 5 6 7 8 9 10 11 12; do [ ! -S /run/charon.vici ] || break; sleep 1; done
		swanctl --load-all --noprompt"
}
