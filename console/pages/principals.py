"""Principals and policies as IAM's API tells them, their documents readable, and what decides about one."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import orjson

from aws_api.core.errors import AwsError
from aws_api.core.execution import run_on_loop
from aws_api.gateway.records import latest
from console.calls import Call
from console.scope import Scope

MAX_POLICIES = 100
DECISIONS = 30
#: By what the addresses call each kind: the operation that lists it, the answer's member, and the member of a name.
KINDS = {
    "users": ("ListUsers", "Users", "UserName"),
    "groups": ("ListGroups", "Groups", "GroupName"),
    "roles": ("ListRoles", "Roles", "RoleName"),
    "policies": ("ListPolicies", "Policies", "PolicyName"),
}


@dataclass(frozen=True, kw_only=True)
class PolicyShown:
    """A policy document. ``source`` says how the principal comes by it; ``identity`` is its name, or its ARN.

    ``simulated_as`` is what the simulator calls it.
    """

    identity: str
    source: str
    simulated_as: str
    document: Any

    @property
    def text(self) -> str:
        return orjson.dumps(self.document, option=orjson.OPT_INDENT_2).decode()


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What the simulator says of one action on one resource; ``statement`` decided, where one did."""

    action: str
    resource: str
    decision: str
    policy: str
    statement: str
    missing_context: Sequence[str]

    @property
    def is_allowed(self) -> bool:
        return self.decision == "allowed"


def principal(scope: Scope, kind: str, name: str) -> Mapping[str, Any]:
    """The user, group or role. Raises AwsError where there is none."""
    singular = _singular(kind)
    found: Mapping[str, Any] = Call("iam", f"Get{singular}", {f"{singular}Name": name}).make(scope)[singular]
    return found


def policies_of(scope: Scope, kind: str, name: str) -> list[PolicyShown]:
    """A principal's policies: its own, those attached to it, and a user's groups'."""
    found = list(_policies(scope, _singular(kind), name, ""))
    if kind == "users":
        for group in scope.call("iam", "ListGroupsForUser", UserName=name)["Groups"]:
            found += _policies(scope, "Group", group["GroupName"], f", of the group {group['GroupName']}")
    return found


def policy_document(scope: Scope, arn: str, version: str = "") -> Any:
    """A managed policy's document, by default its default version's. Raises AwsError."""
    version = version or scope.call("iam", "GetPolicy", PolicyArn=arn)["Policy"]["DefaultVersionId"]
    return document(
        scope.call("iam", "GetPolicyVersion", PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    )


def document(text: Any) -> Any:
    """A policy as IAM's answers carry it, percent-encoded, as a value; what is no JSON stays text."""
    try:
        return json.loads(unquote(text)) if isinstance(text, str) else text
    except json.JSONDecodeError:
        return text


def simulate(scope: Scope, call: Call, policies: Sequence[PolicyShown]) -> list[Answered]:
    """What SimulatePrincipalPolicy answers, each with the statement that decided. Raises AwsError."""
    results = call.make(scope)["EvaluationResults"]
    return [
        Answered(
            action=each["EvalActionName"],
            resource=each["EvalResourceName"],
            decision=each["EvalDecision"],
            policy=", ".join(matched["SourcePolicyId"] for matched in each["MatchedStatements"]),
            statement=_statement(scope, call, each, policies),
            missing_context=each.get("MissingContextValues", ()),
        )
        for each in results
    ]


def decisions_of(account_id: str, arn: str) -> list[Mapping[str, Any]]:
    """The latest decisions about a user, or a role in any of its sessions, the newest first. Needs Valkey."""
    session = arn.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/") + "/"
    found = (
        {**decision, "request": record["id"], "started": record["started"]}
        for record in run_on_loop(latest())
        if record["account_id"] == account_id
        for decision in record["decisions"]
        if decision["principal"] == arn or decision["principal"].startswith(session)
    )
    return [decision for decision, _ in zip(found, range(DECISIONS), strict=False)]


def _policies(scope: Scope, singular: str, name: str, suffix: str) -> Iterator[PolicyShown]:
    who = {f"{singular}Name": name}
    for inline in scope.call("iam", f"List{singular}Policies", **who, MaxItems=MAX_POLICIES)["PolicyNames"]:
        answer = scope.call("iam", f"Get{singular}Policy", **who, PolicyName=inline)
        yield PolicyShown(
            identity=inline,
            source=f"inline{suffix}",
            simulated_as=f"inline policy {inline} of {singular.lower()} {name}",
            document=document(answer["PolicyDocument"]),
        )
    attached = scope.call("iam", f"ListAttached{singular}Policies", **who, MaxItems=MAX_POLICIES)
    for policy in attached["AttachedPolicies"]:
        arn = policy["PolicyArn"]
        yield PolicyShown(
            identity=arn, source=f"attached{suffix}", simulated_as=arn, document=policy_document(scope, arn)
        )


def _statement(scope: Scope, call: Call, result: Mapping[str, Any], policies: Sequence[PolicyShown]) -> str:
    """The first statement of the policy that decided which comes to the same by itself, as JSON."""
    ids = {matched["SourcePolicyId"] for matched in result["MatchedStatements"]}
    for policy in policies:
        if policy.simulated_as not in ids or not isinstance(policy.document, dict):
            continue
        statements = policy.document.get("Statement", [])
        for statement in statements if isinstance(statements, list) else [statements]:
            if _alone(scope, call, result, statement) == result["EvalDecision"]:
                return orjson.dumps(statement, option=orjson.OPT_INDENT_2).decode()
    return ""


def _alone(scope: Scope, call: Call, result: Mapping[str, Any], statement: Any) -> str:
    """What one statement by itself decides."""
    wanted: dict[str, Any] = {
        "PolicyInputList": [orjson.dumps({"Version": "2012-10-17", "Statement": [statement]}).decode()],
        "ActionNames": [result["EvalActionName"]],
        "ResourceArns": [result["EvalResourceName"]],
    }
    if "ContextEntries" in call.request:
        wanted["ContextEntries"] = call.request["ContextEntries"]
    source = call.request["PolicySourceArn"]
    if ":user/" in source:
        wanted["CallerArn"] = source
    try:
        (only,) = Call("iam", "SimulateCustomPolicy", wanted).make(scope)["EvaluationResults"]
    except AwsError:
        return ""
    return str(only["EvalDecision"])


def _singular(kind: str) -> str:
    return KINDS[kind][2].removesuffix("Name")
