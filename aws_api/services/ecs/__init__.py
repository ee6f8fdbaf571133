"""Amazon Elastic Container Service: clusters, task definitions, and tasks that run as real containers.

Emulated: clusters, task definitions (docs/ecs-fields.md says what becomes of each field), RunTask, StartTask, StopTask,
the reads, tags, account settings, services with their deployments and task sets (see ``scheduler``), container
instances, attributes, placement, capacity providers, task protection, Service Connect, task metadata v4, task role
credentials on 169.254.170.2, ECS Exec (see ``exec``), FireLens. The cluster ``default`` exists without being created.
The engine is a container instance of every cluster; tasks of launch type FARGATE run on it too and are no instance's.

Not emulated: scaling by capacity providers, VPC Lattice, TLS of Service Connect, changing a service's deployment
controller, Express services and daemons of managed instances, GPUs, volumes of Amazon FSx and S3 Files.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/Welcome.html
"""
