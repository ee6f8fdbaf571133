"""Which version of an image a container has: one for all tasks of a deployment, and the digest that tells it.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html#deployment-container-image-stability
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.conf import settings

from aws_api.core.containers import Observation, ObservedImage
from aws_api.core.images import image_source
from aws_api.core.pull_reports import pull_reports
from aws_api.services.ecs.models import Task
from aws_api.services.ecs.specification import TaskSpec

#: What startedBy begins with where a service's deployment started the task.
_DEPLOYMENT = "ecs-svc/"
#: Tasks of the deployment that are looked at for one that has its image already.
_MAX_SIBLINGS = 20


def asks_other_registries() -> bool:
    """Whether registries that are not ours are asked for images that the engine has."""
    return settings.SIMFRA_IMAGE_PULL_BEHAVIOR in ("default", "always", "once")


def pinned_image(row: Task, container: Mapping[str, Any]) -> str:
    """A container's image; by digest once another task of its deployment has said which its tag means.

    Images of other registries stay as they are: the engine, which all tasks share, has one of the name.
    """
    image = str(container["image"])
    is_consistent = container.get("versionConsistency", "enabled") != "disabled"
    if not row.started_by.startswith(_DEPLOYMENT) or not is_consistent or "@" in image or image_source(image) is None:
        return image
    siblings = Task.objects.filter(
        cluster_id=row.cluster_id, started_by=row.started_by, task_definition_id=row.task_definition_id
    ).exclude(pk=row.pk)
    records = siblings.order_by("created_at").values_list("last_containers", flat=True)[:_MAX_SIBLINGS]
    digests = (record.get(container["name"], {}).get("image_digest") for record in records)
    digest = next((digest for digest in digests if digest), "")
    return f"{_without_tag(image)}@{digest}" if digest else image


def with_pulled_digests(task: TaskSpec, observed: Observation) -> Observation:
    """The observation with the digests that the engine does not tell: of images that were loaded, not pulled."""
    unknown = {
        part.spec.image
        for part in task.containers
        if not part.record.image_digest
        and observed.container(part.spec.name)
        and not observed.images.get(part.spec.image, ObservedImage(id="")).digest
    }
    if not unknown:
        return observed
    reported = {image: report.digest for image, report in pull_reports(sorted(unknown)).items() if report.digest}
    found = {
        image: replace(observed.images.get(image, ObservedImage(id="")), digest=digest)
        for image, digest in reported.items()
    }
    return replace(observed, images={**observed.images, **found})


def _without_tag(image: str) -> str:
    name, colon, tag = image.rpartition(":")
    return name if colon and "/" not in tag else image
