"""What may pass in a VPC: security groups, network ACLs and routes, from rows to the kernel's rules and to answers.

``loading`` reads rows into the frozen model of ``policies``; ``routes`` makes route tables into disjoint ranges. From
that one structure ``rendering`` writes what tasks' namespaces and VPC gateways put into force, and ``reachability``
answers whether A reaches B on a port, and by which rule.
"""
