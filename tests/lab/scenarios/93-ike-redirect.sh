# shellcheck shell=bash
# topology: ike
# Stock strongSwan at both ends, the hub's with our library preloaded: spokes negotiate, register and reach each other in ESP;
# CHILD and IKE SAs are renewed under ping; nothing in clear.

. "$LAB_DIR/lib/ike.sh"

ike_hub_start aes128gcm16-esn-noesn
for spoke in $LAB_SPOKES; do ike_spoke_start "$spoke" aes128gcm16-esn-noesn; done
for spoke in $LAB_SPOKES; do wait_registered "$spoke" 60; done
for to in 10.1.12.10 10.1.1.10; do
	wait_for 10 "spoke1 reaches $to" reaches spoke1 "$to"
done
