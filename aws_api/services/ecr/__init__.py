"""Amazon Elastic Container Registry, and the image registry itself under ``/v2/``.

Emulated: repositories, images, layers, tags, tag mutability with exclusions, login tokens, repository policies;
lifecycle policies, previewed and done; pull-through caches of other registries and the templates of their repositories;
pull times and who is excluded from them. The registry speaks the OCI distribution protocol whole; blobs are files below
``SIMFRA_DATA_DIR/registry``, one per content for all accounts, and everything else is rows. Copies of public images
(mirror.py) and imported archives (imports.py) serve engines that have no internet.
Kept and answered, and nothing acts on it: replication, scanning and signing settings, registry policies.
Not emulated: replication itself and its backfills, scans, storage classes.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/Welcome.html
https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""
