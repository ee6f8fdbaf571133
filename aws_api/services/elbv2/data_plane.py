"""Where load balancers tell how their targets are and what they carried: ``POST /_load-balancers/account/region/id``.

A load balancer proves itself by the token that its control port asks of Simfra. What it tells is written down here and
nowhere else: the ``last_`` columns of targets are its own view of them.
"""

import hmac
import re
from typing import Any

import orjson
from django.conf import settings
from django.db.models import F

from aws_api.core.changes import StateChange, publish
from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.execution import run_in_thread
from aws_api.core.reconcile import kick
from aws_api.core.sidecars import control_token
from aws_api.services.elbv2.access_logs import append_entries
from aws_api.services.elbv2.changes import KIND, container_name
from aws_api.services.elbv2.container import REPORT_PREFIX
from aws_api.services.elbv2.figures import add_traffic, suffix
from aws_api.services.elbv2.models import LoadBalancer, Target, TargetGroup, TargetState
from aws_api.services.elbv2.service import elbv2
from aws_api.services.elbv2.specification import group_key

#: The kind of the changes of targets' health; keys are ``<target group's ARN>/<target id>:<port>``.
TARGET_KIND = "elbv2.target"
MAX_BODY_BYTES = 16 * 1024 * 1024
_PATH = re.compile(rf"{REPORT_PREFIX}(\d{{12}})/([a-z0-9-]+)/([A-Za-z0-9-]+)")
_DRAINED = "drained"


@elbv2.data_plane(REPORT_PREFIX)
async def reports(scope: Any, receive: Any, send: Any) -> None:
    """Take a report."""
    body = await _read_body(receive)
    token = dict(scope["headers"]).get(b"authorization", b"").removeprefix(b"Bearer ")
    status = 413 if body is None else await run_in_thread(_take, scope["path"], token, body)
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def _take(path: str, token: bytes, body: bytes) -> int:
    match = _PATH.fullmatch(path)
    if match is None:
        return 404
    account_id, region, resource_id = match.groups()
    row = LoadBalancer.objects.filter(account_id=account_id, region=region, resource_id=resource_id).first()
    if row is None:
        return 404
    if not hmac.compare_digest(token, control_token(settings.SECRET_KEY, container_name(row)).encode()):
        return 403
    report = orjson.loads(body)
    groups = {group_key(group): group for group in _groups(row)}
    for key, healths in report["health"].items():
        if key in groups:
            _note_health(row, groups[key], healths)
    for entry in report["traffic"]:
        figures = {
            suffix(groups[key].arn) if key else "": added
            for key, added in entry["figures"].items()
            if not key or key in groups
        }
        add_traffic(row, int(entry["minute"]), figures)
    append_entries(row, report["access_log"])
    return 204


def _groups(row: LoadBalancer) -> list[TargetGroup]:
    return list(TargetGroup.objects.filter(rules__listener__load_balancer=row).distinct())


def _note_health(row: LoadBalancer, group: TargetGroup, healths: dict[str, list[str]]) -> None:
    drained = []
    for target in group.targets.all():
        told = healths.get(f"{target.address}:{target.port}")
        if told is None:
            continue
        state, reason, description = told
        if target.draining_since is not None:
            if state == _DRAINED:
                drained.append(target.pk)
        elif state in TargetState.values and told != [target.last_state, target.last_reason, target.last_description]:
            _write(group, target, state, reason, description)
    if drained and Target.objects.filter(pk__in=drained, draining_since__isnull=False).delete()[0]:
        TargetGroup.objects.filter(pk=group.pk).update(version=F("version") + 1)
        kick(KIND, row.arn)


def _write(group: TargetGroup, target: Target, state: str, reason: str, description: str) -> None:
    rows = Target.objects.filter(pk=target.pk, draining_since=None, registered_at=target.registered_at)
    written = rows.update(last_state=state, last_reason=reason, last_description=description)
    if written and state != target.last_state:
        publish(
            StateChange(
                kind=TARGET_KIND,
                key=f"{group.arn}/{target.target_id}:{target.port}",
                account_id=group.account_id,
                region=group.region,
                before=target.last_state,
                after=state,
                cause=description or "a health check passed",
                at=SYSTEM_CLOCK.now(),
            )
        )


async def _read_body(receive: Any) -> bytes | None:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY_BYTES or message["type"] == "http.disconnect":
            return None
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)
