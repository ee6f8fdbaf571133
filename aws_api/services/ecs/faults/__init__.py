"""What faults (aws_api/core/faults.py) do to tasks: really, by the engine, or as AWS would show it.

``overlay`` is what a task's own reconciler takes into account, ``controller`` what is done to tasks that run, and
``lost_capacity`` where nothing is placed. A rule is decided on once for each task, so that a fault with a chance hits
the same ones however often it is looked at.
"""
