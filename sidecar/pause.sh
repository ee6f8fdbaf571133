#!/bin/sh
# Owns a task's network namespace: gives eth0 the interface's address in the VPC and holds the namespace open.
#
# Environment: ADDRESS (10.0.1.5/20), MAC_ADDRESS, GATEWAY, DNS, HOST_NAME (ip-10-0-1-5.ec2.internal), EMULATOR_PORT.
# Needs NET_ADMIN. Prints READY once the namespace is as it should be; ends at once on SIGTERM.
set -eu
trap 'exit 0' TERM INT

ip -batch - <<BATCH
address flush dev eth0
address add $ADDRESS dev eth0
link set dev eth0 address $MAC_ADDRESS
route replace default via $GATEWAY dev eth0 onlink
address add 169.254.170.2/32 dev lo
BATCH

# The containers that join this namespace share these three files. Docker's show the backing address and its own DNS.
printf 'nameserver %s\nsearch %s\noptions timeout:2 attempts:3\n' "$DNS" "${HOST_NAME#*.}" >/etc/resolv.conf
printf '127.0.0.1 localhost\n%s %s %s\n' "${ADDRESS%/*}" "$HOST_NAME" "${HOST_NAME%%.*}" >/etc/hosts

nft -f - <<RULES
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

echo READY
# In the background, so that the trap does not wait for it.
while :; do
  sleep 2147483647 &
  wait $!
done
