"""Cloud Map: namespaces, services and their instances, found by API call and by DNS.

Emulated: all operations. A DNS namespace has its hosted zone in Route 53, where instances are record sets; the
resolvers of VPCs answer with the healthy ones. What AWS does in the background is done when the call is answered, so
that every operation is SUCCESS, or FAIL with its reason. Health checks of Route 53 (HealthCheckConfig) are stored and
always pass.

https://docs.aws.amazon.com/cloud-map/latest/api/Welcome.html
"""
