"""Amazon Elastic Container Registry, and the image registry itself under ``/v2/``.

Emulated: repositories, images, layers, tags, tag mutability, login tokens; repository, lifecycle and scanning settings
as stored documents (nothing is scanned or expired by them). The registry speaks the OCI distribution protocol whole;
blobs are files below ``SIMFRA_DATA_DIR/registry``, one per content for all accounts, and everything else is rows.
Not emulated: replication, pull-through caches, scan findings, signing, storage classes.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/Welcome.html
https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""
