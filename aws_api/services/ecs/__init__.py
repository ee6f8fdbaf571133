"""Amazon Elastic Container Service: clusters, task definitions, and tasks that run as real containers.

Emulated: clusters, task definitions, RunTask, StartTask, StopTask, the reads, tags, account settings, task metadata v4
and task role credentials on 169.254.170.2. The cluster ``default`` exists without being created. A task of launch type
EC2 needs no registered container instance: the Docker host is the one that runs everything, FARGATE likewise.

Not emulated: services, task sets and deployments, capacity providers beyond being stored, container instances,
ECS Exec, Service Connect, FireLens, GPUs, environment files, Docker links.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/Welcome.html
"""
