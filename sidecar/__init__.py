"""What runs inside Simfra's own containers; the sidecar image carries this folder at /opt/simfra/sidecar.

``pause.sh`` owns a task's network namespace, ``vpc_gateway`` routes a VPC and answers its DNS, ``host_rules.sh`` keeps
the engine's host out of every VPC. Nothing here imports the rest of Simfra: it speaks to it by environment variables
and, for the gateway, by one line of JSON (``configuration``).
"""
