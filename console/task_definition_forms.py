"""What the form for a task definition and the form for a run say, as AWS's requests; AWS itself judges them."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from django.http import QueryDict

Shape = dict[str, Any]


class FormProblem(Exception):
    """What was typed cannot even be sent; the message says what to change."""


def registration(asked: QueryDict) -> Shape:
    """RegisterTaskDefinition's request from the form's fields."""
    text = _text(asked)
    container: Shape = {"name": text("container") or "app", "image": text("image"), "essential": True}
    container |= _present({"cpu": _number(asked, "containerCpu"), "memory": _number(asked, "containerMemory")})
    container |= _present({"command": _words(text("command"))})
    if ports := _ports(text("ports")):
        container["portMappings"] = ports
    if environment := _pairs(text("environment"), "name", "value"):
        container["environment"] = environment
    if secrets := _pairs(text("secrets"), "name", "valueFrom"):
        container["secrets"] = secrets
    if group := text("logGroup"):
        options = {"awslogs-group": group, "awslogs-region": text("logRegion"), "awslogs-stream-prefix": "app"}
        container["logConfiguration"] = {"logDriver": "awslogs", "options": {**options, "awslogs-create-group": "true"}}
    request = {
        "family": text("family"),
        "networkMode": text("networkMode"),
        "requiresCompatibilities": [text("compatibility")] if text("compatibility") else None,
        "cpu": text("cpu"),
        "memory": text("memory"),
        "executionRoleArn": text("executionRoleArn"),
        "taskRoleArn": text("taskRoleArn"),
    }
    return {**_present(request), "containerDefinitions": [container]}


def registration_from_json(text: str) -> Shape:
    """RegisterTaskDefinition's request from the editor. Raises FormProblem where it is no JSON object."""
    try:
        request = json.loads(text)
    except json.JSONDecodeError as error:
        raise FormProblem(f"This is no JSON: {error.msg} in line {error.lineno}, column {error.colno}.") from error
    if not isinstance(request, dict):
        raise FormProblem("A task definition is a JSON object: { … }.")
    return request


def run(asked: QueryDict) -> Shape:
    """RunTask's request from the form's fields. Raises FormProblem."""
    text = _text(asked)
    request: Shape = {"taskDefinition": text("taskDefinition"), "cluster": text("cluster") or "default"}
    request |= _present({"launchType": text("launchType"), "count": _number(asked, "count"), "group": text("group")})
    if subnets := [subnet for subnet in asked.getlist("subnets") if subnet]:
        public = {"assignPublicIp": "ENABLED" if asked.get("assignPublicIp") else "DISABLED"}
        groups = {"securityGroups": asked.getlist("securityGroups")} if asked.getlist("securityGroups") else {}
        request["networkConfiguration"] = {"awsvpcConfiguration": {"subnets": subnets, **groups, **public}}
    if asked.get("enableExecuteCommand"):
        request["enableExecuteCommand"] = True
    container = _present(
        {
            "command": _words(text("command")),
            "environment": _pairs(text("environment"), "name", "value"),
            "cpu": _number(asked, "containerCpu"),
            "memory": _number(asked, "containerMemory"),
        }
    )
    overrides = _present({"cpu": text("cpu"), "memory": text("memory")})
    if container:
        overrides["containerOverrides"] = [{"name": text("container"), **container}]
    return {**request, "overrides": overrides} if overrides else request


def _text(asked: QueryDict) -> Any:
    return lambda name: asked.get(name, "").strip()


def _present(values: Mapping[str, Any]) -> Shape:
    return {name: value for name, value in values.items() if value not in (None, "", [])}


def _number(asked: QueryDict, name: str) -> int | None:
    text = asked.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise FormProblem(f"{name} is a whole number, not {text}.")
    return int(text)


def _words(text: str) -> list[str]:
    """A command: a JSON list of its words, or the words as a shell has them."""
    if text.startswith("["):
        try:
            words = json.loads(text)
        except json.JSONDecodeError as error:
            raise FormProblem(f"The command begins like JSON and is none: {error.msg}.") from error
        return [str(word) for word in words]
    try:
        return shlex.split(text)
    except ValueError as error:
        raise FormProblem(f"The command cannot be split into words: {error}.") from error


def _ports(text: str) -> list[Shape]:
    """``80``, ``8080:80`` or ``53/udp``, by commas or spaces."""
    found = []
    for word in text.replace(",", " ").split():
        ports, _, protocol = word.partition("/")
        host, _, container = ports.rpartition(":")
        if not container.isdigit() or (host and not host.isdigit()):
            raise FormProblem(f"{word} is no port: write 80, 8080:80 or 53/udp.")
        mapping: Shape = {"containerPort": int(container), "protocol": protocol or "tcp"}
        found.append({**mapping, "hostPort": int(host)} if host else mapping)
    return found


def _pairs(text: str, name: str, value: str) -> list[Shape]:
    """``NAME=value``, one a line."""
    pairs = []
    for line in filter(None, map(str.strip, text.splitlines())):
        key, separator, rest = line.partition("=")
        if not separator:
            raise FormProblem(f"{line} is no variable: write NAME=value, one a line.")
        pairs.append({name: key.strip(), value: rest})
    return pairs
