"""Amazon Elastic Container Service: clusters, task definitions, and tasks that run as real containers.

Emulated: clusters, task definitions (docs/ecs-fields.md says what becomes of each field), RunTask, StartTask, StopTask,
the reads, tags, account settings, container instances, attributes, placement, capacity providers, task protection, task
metadata v4, task role credentials on 169.254.170.2, ECS Exec (see ``exec``) and FireLens. The cluster ``default``
exists without being created. The engine is a container instance of every cluster; tasks of launch type FARGATE run on
it too and are no instance's.

Not emulated: services, task sets and deployments, scaling by capacity providers, Service Connect, GPUs, volumes of
Amazon FSx and S3 Files.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/Welcome.html
"""
