#!/bin/bash
# Owns a task's network namespace: gives eth0 the interface's address in the VPC, keeps the packet filter that the VPC's
# gateway hands over, and holds the namespace open.
#
# Environment: ADDRESS (10.0.1.5/20), MAC_ADDRESS, GATEWAY, DNS (name servers), SEARCH (domains), HOST_NAME
# (ip-10-0-1-5.ec2.internal), EMULATOR_PORT, FILTER_PORT, INTERFACE, FILTER_TOKEN. Needs NET_ADMIN. Nothing passes until
# the filter is there; prints READY then. Ends at once on SIGTERM, and when eth0 is gone.
set -eu
trap 'exit 0' TERM INT

# The gateway says something every 5 seconds, or it is gone (sidecar/filters.py).
SILENCE_S=12

nft -f - <<RULES
table inet security {
  chain ingress {
    type filter hook input priority 0; policy drop;
    iif lo accept
    ct state established,related accept
  }
  chain egress {
    type filter hook output priority 0; policy drop;
    oif lo accept
    ip daddr $GATEWAY tcp dport $FILTER_PORT accept
  }
}
table ip simfra {
  chain output {
    # Before Docker's own rules.
    type nat hook output priority -110;
    ip daddr 169.254.170.2 tcp dport 80 dnat to $GATEWAY:$EMULATOR_PORT
    ip daddr 127.0.0.1 tcp dport $EMULATOR_PORT dnat to $GATEWAY:$EMULATOR_PORT
  }
  chain postrouting {
    type nat hook postrouting priority 90;
    ip daddr $GATEWAY tcp dport $EMULATOR_PORT masquerade
  }
}
RULES

ip -batch - <<BATCH
address flush dev eth0
address add $ADDRESS dev eth0
link set dev eth0 address $MAC_ADDRESS
route replace default via $GATEWAY dev eth0 onlink
address add 169.254.170.2/32 dev lo
BATCH

# The containers that join this namespace share these three files. Docker's show the backing address and its own DNS.
{
  # Each word is a server.
  # shellcheck disable=SC2086
  printf 'nameserver %s\n' $DNS
  printf 'search %s\noptions timeout:2 attempts:3\n' "$SEARCH"
} >/etc/resolv.conf
printf '127.0.0.1 localhost\n%s %s %s\n' "${ADDRESS%/*}" "$HOST_NAME" "${HOST_NAME%%.*}" >/etc/hosts
# Names that lead to a proxy in the namespace: one "address name" a line.
printf '%s\n' "${HOSTS:-}" >>/etc/hosts

# One call of the gateway: commands of nftables come in, what it prints goes back.
follow() {
  printf '%s %s\n' "$INTERFACE" "$FILTER_TOKEN" >&3
  while IFS= read -r -t "$SILENCE_S" line <&3; do
    if [ "$line" = READY ]; then
      echo READY >&4
    else
      printf '%s\n' "$line"
    fi
  done | HOME=/dev/null stdbuf -oL nft -i >&3 2>&3
}

keep_filter() {
  # Without its interface the namespace is of no use: whoever held it has ended.
  while [ -e /sys/class/net/eth0 ]; do
    { follow || :; } 3<>"/dev/tcp/$GATEWAY/$FILTER_PORT" || :
    sleep 0.2
  done 4>&1 2>/dev/null
  kill $$
}

keep_filter &
# In the background, so that the trap does not wait for it.
wait
