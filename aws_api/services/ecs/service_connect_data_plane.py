"""What proxies of Service Connect ask: ``POST /_service-connect/account/region/task``, and an answer when it is new.

A proxy tells the digest of what it goes by and what it carried; it is answered at once where something else holds, and
otherwise when that comes, or after a while with 204.
"""

import asyncio
import hmac
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import orjson
from django.conf import settings

from aws_api.core import bus
from aws_api.core.clock import SHARED_CLOCK
from aws_api.core.execution import run_in_thread
from aws_api.core.metric_recording import Measurement, record_metrics
from aws_api.core.sidecars import control_token
from aws_api.services.ecs.models import Task
from aws_api.services.ecs.service import ecs
from aws_api.services.ecs.service_connect import changes_topic
from aws_api.services.ecs.service_connect_proxy import CONTAINER, PATH_PREFIX, deployment_of, proxy_configuration
from aws_api.services.ecs.specifications import task_container_name

WAIT_S = 20.0
MAX_BODY_BYTES = 1024 * 1024
_PATH = re.compile(rf"{PATH_PREFIX}(\d{{12}})/([a-z0-9-]+)/([0-9a-zA-Z-]+)")
_UNITS = {"ProcessedBytes": "Bytes"}


@ecs.data_plane(PATH_PREFIX)
async def configuration(scope: Any, receive: Any, send: Any) -> None:
    """Answer a proxy."""
    match = _PATH.fullmatch(scope["path"])
    body = await _read_body(receive)
    if match is None or body is None:
        await _send(send, 404 if match is None else 413)
        return
    account_id, region, task_id = match.groups()
    token = dict(scope["headers"]).get(b"authorization", b"").removeprefix(b"Bearer ")
    told = orjson.loads(body)
    async with bus.subscription(changes_topic(account_id, region)) as changes:
        deadline = asyncio.get_running_loop().time() + WAIT_S
        status, found = await run_in_thread(_look, (account_id, region, task_id), token, told.get("figures") or {})
        while status == 200 and found.get("digest") == told.get("digest"):
            left_s = deadline - asyncio.get_running_loop().time()
            if left_s <= 0:
                await _send(send, 204)
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(changes.get(), left_s)
            status, found = await run_in_thread(_look, (account_id, region, task_id), token, {})
    await _send(send, status, orjson.dumps(found) if status == 200 else b"")


def _look(
    place: tuple[str, str, str], token: bytes, figures: Mapping[str, Mapping[str, float]]
) -> tuple[int, Mapping[str, Any]]:
    account_id, region, task_id = place
    rows = Task.objects.filter(account_id=account_id, region=region, task_id=task_id)
    task = rows.select_related("cluster", "task_definition").first()
    if task is None:
        return 404, {}
    expected = control_token(settings.SECRET_KEY, task_container_name(task, CONTAINER))
    if not hmac.compare_digest(token, expected.encode()):
        return 403, {}
    deployment = deployment_of(task)
    if deployment is None:
        return 404, {}
    found = proxy_configuration(deployment)
    _record(task, found["names"], figures)
    return 200, found


def _record(task: Task, names: Mapping[str, str], figures: Mapping[str, Mapping[str, float]]) -> None:
    """The client's side of AWS's Service Connect metrics: what this service sent to another by its discovery name."""
    now = SHARED_CLOCK.now()
    service = {"ClusterName": task.cluster.name, "ServiceName": task.service_name}
    record_metrics(
        [
            Measurement(
                account_id=task.account_id,
                region=task.region,
                namespace="AWS/ECS",
                name=metric,
                dimensions={"TargetDiscoveryName": names[key], **more},
                unit=_UNITS.get(metric, "Count"),
                at=now,
                value=float(value),
            )
            for key, counted in figures.items()
            if key in names
            for metric, value in counted.items()
            for more in ({}, service)
        ]
    )


async def _read_body(receive: Any) -> bytes | None:
    body: bytes = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES or message["type"] == "http.disconnect":
            return None
        if not message.get("more_body"):
            break
    return body


async def _send(send: Any, status: int, body: bytes = b"") -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
