"""The hot reads of ECS, on prepared statements.

A program that waits for its tasks describes the same ones again and again. Describing costs much more than asking
whether a row has been written since: ``xmin`` names the transaction that wrote what is there now, so a description is
kept with it, and never answered for another.
"""

from collections.abc import Sequence

from aws_api.core import database
from aws_api.core.context import Context
from aws_api.core.kept import KeptStructure
from aws_api.services.ecs.describe import TASK_COLUMNS, task

#: Descriptions that a process keeps, of some thousand bytes each.
MAX_KEPT = 2000

_COLUMNS = ", ".join(f"t.{column}" for column in TASK_COLUMNS)

_TASKS = """
    SELECT t.task_id, {columns}, t.xmin AS written_by
    FROM ecs_task t JOIN ecs_cluster c ON c.id = t.cluster_id
    WHERE c.account_id = $1 AND c.region = $2 AND c.name = $3 AND t.task_id = ANY($4::text[])
"""
_ROWS = _TASKS.format(columns=f"t.id, {_COLUMNS}")
_WRITERS = _TASKS.format(columns="t.id")

_CLUSTER_STATUS = "SELECT status FROM ecs_cluster WHERE account_id = $1 AND region = $2 AND name = $3"

# A task that is told to stop, or has decided to, has the desiredStatus STOPPED.
_TASK_IDS = """
    SELECT t.task_id
    FROM ecs_task t JOIN ecs_cluster c ON c.id = t.cluster_id
    WHERE c.account_id = $1 AND c.region = $2 AND c.name = $3
      AND t.task_id > $4
      AND (t.desired_status = 'STOPPED' OR t.last_stop_code <> '') = $5
      AND ($6::text IS NULL OR t.family = $6)
      AND ($7::text IS NULL OR t.service_name = $7)
      AND ($8::text IS NULL OR t.started_by = $8)
      AND ($9::text IS NULL OR t.launch_type = $9)
      AND ($10::text IS NULL OR t.container_instance_arn = $10)
    ORDER BY t.task_id
    LIMIT $11
"""


#: By (row, whether with tags): the transaction that wrote the row, and its description.
_kept: dict[tuple[int, bool], tuple[int, KeptStructure]] = {}


async def describe_tasks(
    context: Context, cluster: str, task_ids: Sequence[str], *, with_tags: bool
) -> dict[str, KeptStructure]:
    """AWS's shapes of a cluster's tasks by id; those that are not there are not in it."""
    place = context.account_id, context.region, cluster
    described: dict[str, KeptStructure] = {}
    changed: list[str] = []
    for row in await database.fetch(_WRITERS, *place, list(task_ids)):
        written_by, shape = _kept.get((row["id"], with_tags), (None, None))
        if shape is not None and written_by == row["written_by"]:
            described[row["task_id"]] = shape
        else:
            changed.append(row["task_id"])
    if changed:
        if len(_kept) + len(changed) > MAX_KEPT:
            _kept.clear()
        for row in await database.fetch(_ROWS, *place, changed):
            shape = described[row["task_id"]] = KeptStructure(task(row, with_tags=with_tags))
            _kept[row["id"], with_tags] = row["written_by"], shape
    return described


async def cluster_status(context: Context, cluster: str) -> str | None:
    """A cluster's status, or None where there is no such cluster."""
    row = await database.fetch_row(_CLUSTER_STATUS, context.account_id, context.region, cluster)
    return str(row["status"]) if row else None


async def list_task_ids(
    context: Context,
    cluster: str,
    *,
    after: str,
    limit: int,
    is_stopped: bool,
    family: str | None,
    service_name: str | None,
    started_by: str | None,
    launch_type: str | None,
    container_instance_arn: str | None,
) -> list[str]:
    """Ids of a cluster's tasks in order, after one, that every filter given lets pass."""
    rows = await database.fetch(
        _TASK_IDS,
        context.account_id,
        context.region,
        cluster,
        after,
        is_stopped,
        family,
        service_name,
        started_by,
        launch_type,
        container_instance_arn,
        limit,
    )
    return [row["task_id"] for row in rows]
