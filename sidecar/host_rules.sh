#!/bin/sh
# Keeps VPC traffic and the engine's host apart, on the host's own network; puts the rules back when they were flushed.
#
# Environment: TABLE, VPC_BRIDGES and UPLINK_BRIDGE (prefixes of interface names), UPLINK_SUBNET, UPLINK_ADDRESS,
# EMULATOR_PORT.
# Needs the host's network namespace and NET_ADMIN. Takes the rules away on SIGTERM.
#
# Why: with br_netfilter, frames between two containers of a VPC pass the host's iptables and connection tracking, where
# Docker's masquerading catches them when the VPC has the addresses of one of Docker's own networks, and where two VPCs
# with the same addresses share entries. The host also answers ARP on a VPC's bridge for addresses of its own.
set -eu

apply() {
  nft -f - <<RULES
table inet $TABLE
delete table inet $TABLE
table inet $TABLE {
  chain prerouting {
    type filter hook prerouting priority -300;
    iifname "$VPC_BRIDGES*" notrack
    # Between the gateways of peered VPCs.
    iifname "$UPLINK_BRIDGE*" ip saddr != $UPLINK_SUBNET notrack
  }
  chain input {
    type filter hook input priority -10;
    iifname "$VPC_BRIDGES*" drop
    iifname != "$UPLINK_BRIDGE*" accept
    ct state established,related accept
    ip daddr $UPLINK_ADDRESS tcp dport $EMULATOR_PORT accept
    # What containers publish at that very address; what listens on every address of the host is its own.
    ip daddr $UPLINK_ADDRESS meta l4proto { tcp, udp } socket wildcard 0 accept
    # The engine's resolvers, where they run on this host.
    meta l4proto { tcp, udp } th dport 53 accept
    icmp type echo-request accept
    drop
  }
}
table arp $TABLE
delete table arp $TABLE
table arp $TABLE {
  chain input {
    type filter hook input priority 0;
    iifname "$VPC_BRIDGES*" drop
  }
}
RULES
}

remove() {
  nft "delete table inet $TABLE; delete table arp $TABLE" 2>/dev/null || :
  exit 0
}

trap remove TERM INT
apply
echo READY
while :; do
  sleep 5 &
  wait $!
  nft list table inet "$TABLE" >/dev/null 2>&1 && nft list table arp "$TABLE" >/dev/null 2>&1 || {
    apply
    echo "The host's rules were gone; they are back."
  }
done
