"""The hot reads of ECS, on prepared statements."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_api.core import database
from aws_api.core.context import Context
from aws_api.services.ecs.describe import TASK_COLUMNS

_COLUMNS = ", ".join(f"t.{column}" for column in TASK_COLUMNS)

_TASKS = f"""
    SELECT t.task_id, {_COLUMNS}
    FROM ecs_task t JOIN ecs_cluster c ON c.id = t.cluster_id
    WHERE c.account_id = $1 AND c.region = $2 AND c.name = $3 AND t.task_id = ANY($4::text[])
"""

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


async def find_tasks(context: Context, cluster: str, task_ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """The tasks of a cluster by id; those that are not there are not in it."""
    rows = await database.fetch(_TASKS, context.account_id, context.region, cluster, list(task_ids))
    return {row["task_id"]: row for row in rows}


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
