"""Amazon EC2's virtual private cloud: VPCs, subnets, security groups, interfaces, routes, and zones.

Emulated: VPCs with several IPv4 blocks (two VPCs may have the same ones), subnets, security groups and their rules,
network interfaces, route tables, internet gateways, the default network ACLs, tags, availability zones and regions;
a default VPC per account and region, made on first use; for each VPC in use a real network with a gateway container.
Not emulated yet: instances, volumes, images, NAT gateways, endpoints, peering, IPv6, network ACL rules of one's own.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Welcome.html
https://docs.aws.amazon.com/vpc/latest/userguide/what-is-amazon-vpc.html
"""
