"""The relay: listens on the host for what is published of VPCs (aws_api/core/host_ports.py), and carries it there.

A process of its own, one an instance: ports belong to one listener, and a large transfer slows down nobody else's work.
"""
