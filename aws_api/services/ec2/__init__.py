"""Amazon EC2's virtual private cloud: all of its networking that Terraform's VPC module and the AWS CLI use.

Emulated: VPCs with several IPv4 blocks (two VPCs may have the same ones), subnets, security groups and their rules,
network ACLs, route tables, internet and NAT gateways, elastic IPs, network interfaces, peering (also between accounts
and regions), gateway and interface endpoints, managed prefix lists, DHCP options, tags, availability zones and regions;
a default VPC per account and region, made on first use; for each VPC in use a real network with a gateway container.
Kept and answered, without effect: flow logs, egress-only internet gateways, reverse DNS names of addresses, permissions
on interfaces. Not emulated: IPv6 (refused where it is asked for), instances, volumes and images (there are none),
transit gateways, VPN, endpoint services of one's own, security groups of several VPCs. A security group that a peered
VPC's rule names cannot be deleted until that rule is; AWS would leave the rule stale.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Welcome.html
https://docs.aws.amazon.com/vpc/latest/userguide/what-is-amazon-vpc.html
"""
