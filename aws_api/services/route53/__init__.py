"""Route 53: private hosted zones that tasks in their VPCs resolve, and public ones that every VPC of the account does.

Emulated: hosted zones and the VPCs they are associated with, record sets with their routing policies, changes, tags,
and health checks as stored objects that are always healthy. Weighted and multivalue sets are answered as such; of
failover sets the primary is, of latency and geolocation sets the first. Not emulated: traffic policies, DNSSEC, query
logging, reusable delegation sets.

https://docs.aws.amazon.com/Route53/latest/APIReference/Welcome.html
"""
