"""ContainerRuntime on a Docker engine; the only code of Simfra's that imports the Docker SDK."""
