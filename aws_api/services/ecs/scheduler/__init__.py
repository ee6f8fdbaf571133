"""The service scheduler: keeps services at what was asked for, and takes their deployments from one end to the other.

``loading`` makes a frozen ``specification`` of the rows, ``reconcile.decide`` a plan of ``steps`` of it, ``taking``
takes them, and ``controller`` is what the loop knows of all that.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_services.html
"""
