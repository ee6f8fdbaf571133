"""Amazon Elastic Container Service: clusters, task definitions, and tasks that run as real containers.

Emulated: clusters, task definitions, RunTask, StartTask, StopTask, the reads, tags, account settings; of the agent, on
169.254.170.2, the task metadata of versions 3 and 4 with the engine's figures, task role credentials and the endpoint
of scale-in protection. Secrets, images of our registry and log streams are had as the execution role. The cluster
``default`` exists without being created. A task of launch type EC2 needs no registered container instance: the Docker
host is the one that runs everything, FARGATE likewise.

Not emulated: services, task sets and deployments, capacity providers beyond being stored, container instances,
ECS Exec, Service Connect, FireLens, GPUs, environment files, Docker links.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/Welcome.html
"""
