"""Cases of policy evaluation, each derived from what AWS's IAM User Guide says; the page stands with the group.

Pages are below https://docs.aws.amazon.com/IAM/latest/UserGuide/.
"""

import json
from dataclasses import dataclass, field
from typing import Any

ACCOUNT, OTHER = "123456789012", "999999999999"
USER = f"arn:aws:iam::{ACCOUNT}:user/team/joe"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/worker"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/night"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:orders"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"

ALLOWED = "allowed"
DENIED_BY = "explicitDeny: {}".format
MISSING = "implicitDeny: {}".format
IDENTITY, RESOURCE, BOUNDARY = "identity-based policy", "resource-based policy", "permissions boundary"
SESSION_POLICY, TRUST = "session policy", "role trust policy"
NOT_ALLOWED = MISSING(IDENTITY)


def policy(*statements: dict[str, Any], version: str = "2012-10-17") -> str:
    return json.dumps({"Version": version, "Statement": list(statements)})


def allow(action: Any = "*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any = "*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


@dataclass(frozen=True)
class Case:
    """A request, the policies, and what AWS decides."""

    title: str
    expected: str
    identity: tuple[str, ...] = ()
    boundary: tuple[str, ...] | None = None
    session: tuple[str, ...] | None = None
    resource: str | None = None
    caller: str = "user"
    action: str = "sqs:SendMessage"
    on: str = QUEUE
    owner: str = ACCOUNT
    is_trust: bool = False
    resource_decides: bool = False
    keys: dict[str, tuple[str, ...]] = field(default_factory=dict)


def one(title: str, expected: str, *statements: dict[str, Any], version: str = "2012-10-17", **more: Any) -> Case:
    """A case of one identity policy."""
    return Case(title, expected, identity=(policy(*statements, version=version),), **more)


# reference_policies_evaluation-logic_AccessPolicyLanguage_Interplay.html: explicit and implicit denials.
EFFECTS = [
    Case("without policies nothing is allowed", NOT_ALLOWED),
    one("an empty policy allows nothing", NOT_ALLOWED),
    one("an allow allows", ALLOWED, allow("sqs:SendMessage", QUEUE)),
    one("a deny denies", DENIED_BY(IDENTITY), deny("sqs:SendMessage", QUEUE)),
    one("a deny wins over an allow before it", DENIED_BY(IDENTITY), allow(), deny("sqs:SendMessage")),
    one("a deny wins over an allow after it", DENIED_BY(IDENTITY), deny("sqs:SendMessage"), allow()),
    one("a deny of something else denies nothing", ALLOWED, allow(), deny("sqs:DeleteQueue")),
    one("a deny of another resource denies nothing", ALLOWED, allow(), deny("*", f"{QUEUE}-dead")),
    one("an allow of another action allows nothing", NOT_ALLOWED, allow("sqs:ReceiveMessage")),
    one("an allow of another resource allows nothing", NOT_ALLOWED, allow("sqs:*", f"{QUEUE}-dead")),
    Case("any of several policies may allow", ALLOWED, (policy(allow("s3:*")), policy(allow("sqs:*")))),
    Case("any of several policies may deny", DENIED_BY(IDENTITY), (policy(allow("sqs:*")), policy(deny("sqs:*")))),
    one("a statement may be an object alone", ALLOWED, allow("sqs:SendMessage")),
    Case(
        "a document with one statement as an object",
        ALLOWED,
        (json.dumps({"Version": "2012-10-17", "Statement": allow("sqs:SendMessage")}),),
    ),
]

# reference_policies_elements_action.html, reference_policies_elements_notaction.html
ACTIONS = [
    one("a star is every action", ALLOWED, allow("*")),
    one("two stars are every action", ALLOWED, allow("*:*")),
    one("a service's star is its every action", ALLOWED, allow("sqs:*")),
    one("another service's star is not", NOT_ALLOWED, allow("sns:*")),
    one("a star ends a name", ALLOWED, allow("sqs:Send*")),
    one("a star begins a name", ALLOWED, allow("sqs:*Message")),
    one("a star stands in a name", ALLOWED, allow("sqs:S*M*ge")),
    one("a star may be nothing", ALLOWED, allow("sqs:SendMessage*")),
    one("a star stays where it is", NOT_ALLOWED, allow("sqs:Send*Batch")),
    one("a question mark is one character", ALLOWED, allow("sqs:SendMessag?")),
    one("a question mark is not none", NOT_ALLOWED, allow("sqs:SendMessage?")),
    one("prefixes and names are without regard to case", ALLOWED, allow("SQS:sendmessage")),
    one("one of several actions", ALLOWED, allow(["sqs:ReceiveMessage", "sqs:SendMessage"])),
    one("none of several actions", NOT_ALLOWED, allow(["sqs:ReceiveMessage", "sqs:DeleteMessage"])),
    one("a name is not a prefix", NOT_ALLOWED, allow("sqs:SendMessageBatch")),
    one("a dot is a dot", NOT_ALLOWED, allow("sqs.SendMessage")),
    one("NotAction allows what it does not name", ALLOWED, {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),
    one(
        "NotAction allows nothing that it names",
        NOT_ALLOWED,
        {"Effect": "Allow", "NotAction": "sqs:*", "Resource": "*"},
    ),
    one(
        "a Deny with NotAction denies the rest",
        DENIED_BY(IDENTITY),
        allow(),
        {"Effect": "Deny", "NotAction": ["iam:*", "sts:*"], "Resource": "*"},
    ),
    one(
        "a Deny with NotAction spares what it names",
        ALLOWED,
        allow(),
        {"Effect": "Deny", "NotAction": "sqs:Send*", "Resource": "*"},
    ),
    one(
        "NotAction is without regard to case",
        NOT_ALLOWED,
        {"Effect": "Allow", "NotAction": "SQS:SENDMESSAGE", "Resource": "*"},
    ),
]

# reference_policies_elements_resource.html, reference_policies_elements_notresource.html
TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/books"
RESOURCES = [
    one("the resource itself", ALLOWED, allow("*", QUEUE)),
    one("resources are with regard to case", NOT_ALLOWED, allow("*", QUEUE.replace("orders", "Orders"))),
    one("a star ends a resource", ALLOWED, allow("*", f"arn:aws:sqs:us-east-1:{ACCOUNT}:ord*")),
    one("a star for the whole resource part", ALLOWED, allow("*", f"arn:aws:sqs:us-east-1:{ACCOUNT}:*")),
    one("a star for the region", ALLOWED, allow("*", f"arn:aws:sqs:*:{ACCOUNT}:orders")),
    one("a star for the account", ALLOWED, allow("*", "arn:aws:sqs:us-east-1:*:orders")),
    one("stars for region and account", ALLOWED, allow("*", "arn:aws:sqs:*:*:orders")),
    one("a star for the partition", ALLOWED, allow("*", "arn:*:sqs:*:*:orders")),
    one("another region", NOT_ALLOWED, allow("*", f"arn:aws:sqs:eu-west-1:{ACCOUNT}:orders")),
    one("another account", NOT_ALLOWED, allow("*", f"arn:aws:sqs:us-east-1:{OTHER}:orders")),
    one("a resource of another service", NOT_ALLOWED, allow("*", f"arn:aws:sns:us-east-1:{ACCOUNT}:orders")),
    one("question marks in a resource", ALLOWED, allow("*", f"arn:aws:sqs:us-east-1:{ACCOUNT}:o?ders")),
    one("a question mark is one character there, too", NOT_ALLOWED, allow("*", f"{QUEUE}?")),
    one("an incomplete ARN ends in stars", ALLOWED, allow("*", "arn:aws:sqs")),
    one("a star does not reach over a colon", NOT_ALLOWED, allow("*", "arn:aws:sqs:*:orders")),
    one("one of several resources", ALLOWED, allow("*", [f"{QUEUE}-dead", QUEUE])),
    one(
        "NotResource allows what it does not name",
        ALLOWED,
        {"Effect": "Allow", "Action": "*", "NotResource": f"{QUEUE}-dead"},
    ),
    one(
        "NotResource allows nothing that it names",
        NOT_ALLOWED,
        {"Effect": "Allow", "Action": "*", "NotResource": [QUEUE]},
    ),
    one(
        "a Deny with NotResource denies the rest",
        DENIED_BY(IDENTITY),
        allow(),
        {"Effect": "Deny", "Action": "sqs:*", "NotResource": "arn:aws:sqs:*:*:public-*"},
    ),
    one(
        "a Deny with NotResource spares what it names",
        ALLOWED,
        allow(),
        {"Effect": "Deny", "Action": "sqs:*", "NotResource": "arn:aws:sqs:*:*:ord*"},
    ),
    one("a star reaches over slashes", ALLOWED, allow("*", TABLE + "/*"), on=TABLE + "/index/by/author"),
    one("a table is not its indexes", NOT_ALLOWED, allow("*", TABLE), on=TABLE + "/index/by-author"),
    one("indexes are not their table", NOT_ALLOWED, allow("*", TABLE + "/*"), on=TABLE),
    one(
        "a star reaches over colons of the resource part",
        ALLOWED,
        allow("logs:*", "arn:aws:logs:*:*:log-group:/ecs/*:*"),
        action="logs:PutLogEvents",
        on=f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/ecs/web:log-stream:web/1",
    ),
    one("what has no ARN needs a star", NOT_ALLOWED, allow("sqs:*", QUEUE), action="sqs:ListQueues", on="*"),
    one("a star is what has no ARN", ALLOWED, allow("sqs:*", "*"), action="sqs:ListQueues", on="*"),
]

# reference_policies_variables.html
MINE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:joe-inbox"
TAGGED = {"aws:principaltag/team": ("red",)}
VARIABLES = [
    one("a variable in a resource", ALLOWED, allow("*", "arn:aws:sqs:*:*:${aws:username}-*"), on=MINE),
    one("a variable of another value", NOT_ALLOWED, allow("*", "arn:aws:sqs:*:*:${aws:username}-*")),
    one("variables are without regard to case", ALLOWED, allow("*", "arn:aws:sqs:*:*:${AWS:UserName}-*"), on=MINE),
    one(
        "a tag's variable",
        ALLOWED,
        allow("*", "arn:aws:sqs:*:*:${aws:PrincipalTag/team}"),
        on=QUEUE[:-6] + "red",
        keys=TAGGED,
    ),
    one("a variable without value fits nothing", NOT_ALLOWED, allow("*", "arn:aws:sqs:*:*:${aws:PrincipalTag/team}*")),
    one("a default stands in", ALLOWED, allow("*", "arn:aws:sqs:*:*:${aws:PrincipalTag/team, 'orders'}")),
    one(
        "a default stands back",
        NOT_ALLOWED,
        allow("*", "arn:aws:sqs:*:*:${aws:PrincipalTag/team, 'orders'}"),
        keys=TAGGED,
    ),
    one(
        "the old version has no variables",
        NOT_ALLOWED,
        allow("*", "arn:aws:sqs:*:*:${aws:username}-*"),
        on=MINE,
        version="2008-10-17",
    ),
    one(
        "the old version takes the text as it is",
        ALLOWED,
        allow("*", "arn:aws:sqs:*:*:${aws:username}"),
        on=QUEUE[:-6] + "${aws:username}",
        version="2008-10-17",
    ),
    one("a star that is meant literally", NOT_ALLOWED, allow("*", "arn:aws:sqs:*:*:order${*}")),
    one("a literal star fits a star", ALLOWED, allow("*", "arn:aws:sqs:*:*:order${*}"), on=QUEUE[:-1] + "*"),
    one("a literal question mark", NOT_ALLOWED, allow("*", "arn:aws:sqs:*:*:order${?}")),
    one("a literal dollar sign", ALLOWED, allow("*", "arn:aws:sqs:*:*:order${$}"), on=QUEUE[:-1] + "$"),
    one(
        "a value's star is no wildcard",
        NOT_ALLOWED,
        allow("*", "arn:aws:sqs:*:*:${aws:PrincipalTag/team}"),
        keys={"aws:principaltag/team": ("*",)},
    ),
    one(
        "a variable in a condition",
        ALLOWED,
        allow(Condition={"StringLike": {"s3:prefix": ["home/${aws:username}/*"]}}),
        keys={"s3:prefix": ("home/joe/photos",)},
    ),
    one(
        "a variable in a condition of another value",
        NOT_ALLOWED,
        allow(Condition={"StringEquals": {"aws:ResourceTag/owner": "${aws:username}"}}),
        keys={"aws:resourcetag/owner": ("ann",)},
    ),
    one(
        "two tags that must be the same",
        ALLOWED,
        allow(Condition={"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}),
        keys={**TAGGED, "aws:resourcetag/team": ("red",)},
    ),
    one(
        "a NotResource whose variable has no value excepts nothing",
        ALLOWED,
        {"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:sqs:*:*:${aws:PrincipalTag/team}"},
    ),
    one(
        "a Deny whose variable has no value denies nothing",
        ALLOWED,
        allow(),
        deny("*", "arn:aws:sqs:*:*:${aws:PrincipalTag/team}"),
    ),
]


@dataclass(frozen=True)
class ConditionCase:
    """A condition on the key ``k``, the request's values of it, and whether it holds."""

    operator: str
    wanted: Any
    found: tuple[str, ...] | None
    holds: bool


def _holds(operator: str, wanted: Any, *found: str | None) -> ConditionCase:
    return ConditionCase(operator, wanted, None if found == (None,) else tuple(found), True)  # type: ignore[arg-type]


def _fails(operator: str, wanted: Any, *found: str | None) -> ConditionCase:
    return ConditionCase(operator, wanted, None if found == (None,) else tuple(found), False)  # type: ignore[arg-type]


ABSENT = None
WORKER = f"arn:aws:ecs:us-east-1:{ACCOUNT}:task/main/1"
# reference_policies_elements_condition_operators.html
OPERATORS = [
    _holds("StringEquals", "red", "red"),
    _fails("StringEquals", "red", "Red"),
    _fails("StringEquals", "red", ABSENT),
    _holds("StringEquals", ["red", "blue"], "blue"),
    _fails("StringEquals", "r*", "red"),
    _holds("StringNotEquals", "red", "blue"),
    _fails("StringNotEquals", "red", "red"),
    _holds("StringNotEquals", "red", ABSENT),
    _fails("StringNotEquals", ["red", "blue"], "blue"),
    _holds("StringEqualsIgnoreCase", "red", "RED"),
    _fails("StringEqualsIgnoreCase", "red", "blue"),
    _fails("StringNotEqualsIgnoreCase", "red", "RED"),
    _holds("StringNotEqualsIgnoreCase", "red", "blue"),
    _holds("StringLike", "r*d", "reed"),
    _holds("StringLike", "r?d", "red"),
    _fails("StringLike", "r?d", "reed"),
    _fails("StringLike", "R*", "red"),
    _holds("StringLike", "*", ""),
    _fails("StringLike", "*", ABSENT),
    _holds("StringNotLike", "r*", "blue"),
    _fails("StringNotLike", "r*", "red"),
    _holds("StringNotLike", "r*", ABSENT),
    _holds("NumericEquals", "10", "10.0"),
    _holds("NumericEquals", 10, "10"),
    _fails("NumericEquals", "10", "11"),
    _fails("NumericEquals", "10", "ten"),
    _holds("NumericNotEquals", "10", "11"),
    _fails("NumericNotEquals", "10", "10"),
    _holds("NumericLessThan", "10", "9"),
    _fails("NumericLessThan", "10", "10"),
    _holds("NumericLessThanEquals", "10", "10"),
    _fails("NumericLessThanEquals", "10", "10.5"),
    _holds("NumericGreaterThan", "10", "100"),
    _fails("NumericGreaterThan", "10", "10"),
    _holds("NumericGreaterThanEquals", "10", "10"),
    _fails("NumericGreaterThanEquals", "10", "9"),
    _fails("NumericGreaterThan", "10", ABSENT),
    _holds("DateEquals", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
    _holds("DateEquals", "2026-01-01", "2026-01-01T00:00:00Z"),
    _holds("DateNotEquals", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
    _holds("DateLessThan", "2026-06-30T23:59:59Z", "2026-06-01T00:00:00Z"),
    _fails("DateLessThan", "2026-06-30T23:59:59Z", "2026-07-01T00:00:00Z"),
    _holds("DateLessThanEquals", "2026-06-30T00:00:00Z", "2026-06-30T00:00:00Z"),
    _holds("DateGreaterThan", "2026-04-01T00:00:00Z", "2026-04-01T00:00:01Z"),
    _fails("DateGreaterThan", "2026-04-01T00:00:00Z", "2026-04-01T00:00:00Z"),
    _holds("DateGreaterThanEquals", "2026-04-01T02:00:00+02:00", "2026-04-01T00:00:00Z"),
    _holds("DateGreaterThan", "1767225600", "2026-01-01T00:00:01Z"),
    _fails("DateGreaterThan", "1767225600", "2026-01-01T00:00:00Z"),
    _holds("Bool", "true", "true"),
    _holds("Bool", True, "true"),
    _fails("Bool", "true", "false"),
    _fails("Bool", "false", ABSENT),
    _holds("BinaryEquals", "QmluYXJ5VmFsdWVJbkJhc2U2NA==", "QmluYXJ5VmFsdWVJbkJhc2U2NA=="),
    _fails("BinaryEquals", "QmluYXJ5VmFsdWVJbkJhc2U2NA==", "QmluYXJ5"),
    _holds("IpAddress", "203.0.113.0/24", "203.0.113.77"),
    _fails("IpAddress", "203.0.113.0/24", "203.0.114.1"),
    _holds("IpAddress", "203.0.113.5", "203.0.113.5"),
    _holds("IpAddress", ["10.0.0.0/8", "2001:DB8:1234:5678::/64"], "2001:db8:1234:5678::1"),
    _fails("IpAddress", "10.0.0.0/8", ABSENT),
    _holds("NotIpAddress", "203.0.113.0/24", "198.51.100.1"),
    _fails("NotIpAddress", "203.0.113.0/24", "203.0.113.77"),
    _fails("NotIpAddress", ["203.0.113.0/24", "198.51.100.0/24"], "198.51.100.1"),
    _holds("NotIpAddress", "203.0.113.0/24", ABSENT),
    _holds("ArnEquals", WORKER, WORKER),
    _holds("ArnEquals", f"arn:aws:ecs:*:{ACCOUNT}:task/*", WORKER),
    _holds("ArnLike", "arn:aws:ecs:us-*-1:*:task/main/?", WORKER),
    _fails("ArnLike", "arn:aws:ecs:*:task/main/1", WORKER),
    _fails("ArnLike", "arn:aws:ecs:*:*:service/*", WORKER),
    _fails("ArnLike", WORKER, ABSENT),
    _holds("ArnNotEquals", WORKER, WORKER + "2"),
    _fails("ArnNotLike", "arn:aws:ecs:*:*:task/*", WORKER),
    _holds("ArnNotLike", "arn:aws:ecs:*:*:task/*", ABSENT),
    _holds("Null", "true", ABSENT),
    _fails("Null", "true", "there"),
    _holds("Null", "false", "there"),
    _fails("Null", "false", ABSENT),
    _holds("StringEqualsIfExists", "red", "red"),
    _fails("StringEqualsIfExists", "red", "blue"),
    _holds("StringEqualsIfExists", "red", ABSENT),
    _holds("StringLikeIfExists", "t1.*", ABSENT),
    _holds("NumericLessThanIfExists", "10", ABSENT),
    _fails("NumericLessThanIfExists", "10", "11"),
    _holds("BoolIfExists", "false", ABSENT),
    _fails("BoolIfExists", "false", "true"),
    _holds("IpAddressIfExists", "10.0.0.0/8", ABSENT),
    _holds("ArnLikeIfExists", "arn:aws:ecs:*:*:task/*", ABSENT),
    _fails("StringNotEqualsIfExists", "red", "red"),
    _holds("StringNotEqualsIfExists", "red", ABSENT),
    _holds("stringequals", "red", "red"),
    # reference_policies_condition-single-vs-multi-valued-context-keys.html
    _holds("ForAllValues:StringEquals", ["red", "blue"], "red"),
    _holds("ForAllValues:StringEquals", ["red", "blue"], "red", "blue"),
    _fails("ForAllValues:StringEquals", ["red", "blue"], "red", "green"),
    _holds("ForAllValues:StringEquals", ["red", "blue"], ABSENT),
    _holds("ForAllValues:StringLike", "r*", "red", "rose"),
    _fails("ForAllValues:StringNotEquals", ["red", "blue"], "green", "red"),
    _holds("ForAllValues:StringNotEquals", ["red", "blue"], "green"),
    _holds("ForAnyValue:StringEquals", ["red", "blue"], "green", "blue"),
    _fails("ForAnyValue:StringEquals", ["red", "blue"], "green"),
    _fails("ForAnyValue:StringEquals", ["red", "blue"], ABSENT),
    _holds("ForAnyValue:StringLike", "r*", "green", "red"),
    _holds("ForAnyValue:StringNotEquals", "red", "red", "green"),
    _fails("ForAnyValue:StringNotEquals", "red", "red"),
    _fails("ForAnyValue:StringNotEquals", "red", ABSENT),
    _holds("ForAnyValue:StringEqualsIfExists", "red", ABSENT),
    _holds("ForAnyValue:ArnLike", "arn:aws:ecs:*:*:task/*", "x", WORKER),
    _fails("ForAllValues:NumericLessThan", "10", "9", "11"),
]

CLUSTER = f"arn:aws:ecs:us-east-1:{ACCOUNT}:cluster/main"
# reference_policies_elements_condition.html, reference_policies_multi-value-conditions.html
CONDITIONS = [
    one(
        "every operator must hold",
        NOT_ALLOWED,
        allow(Condition={"StringEquals": {"a": "1"}, "NumericLessThan": {"b": "5"}}),
        keys={"a": ("1",), "b": ("6",)},
    ),
    one(
        "every key of an operator must hold",
        NOT_ALLOWED,
        allow(Condition={"StringEquals": {"a": "1", "b": "2"}}),
        keys={"a": ("1",), "b": ("3",)},
    ),
    one(
        "one of a key's values is enough",
        ALLOWED,
        allow(Condition={"StringEquals": {"a": ["0", "1"]}}),
        keys={"a": ("1",)},
    ),
    one(
        "keys are without regard to case",
        ALLOWED,
        allow(Condition={"StringEquals": {"ECS:Cluster": CLUSTER}}),
        keys={"ecs:cluster": (CLUSTER,)},
    ),
    one(
        "a key's other value",
        NOT_ALLOWED,
        allow(Condition={"ArnEquals": {"ecs:cluster": CLUSTER}}),
        keys={"ecs:cluster": (CLUSTER + "2",)},
    ),
    one(
        "a deny whose condition does not hold denies nothing",
        ALLOWED,
        allow(),
        deny(Condition={"StringNotEquals": {"aws:RequestedRegion": "us-east-1"}}),
        keys={"aws:requestedregion": ("us-east-1",)},
    ),
    one(
        "a deny whose condition holds",
        DENIED_BY(IDENTITY),
        allow(),
        deny(Condition={"StringNotEquals": {"aws:RequestedRegion": "us-east-1"}}),
        keys={"aws:requestedregion": ("eu-west-1",)},
    ),
    one(
        "Deny with a negated operator denies what lacks the key",
        DENIED_BY(IDENTITY),
        allow(),
        deny(Condition={"StringNotEquals": {"aws:RequestTag/team": "red"}}),
    ),
    one(
        "only such tag keys",
        NOT_ALLOWED,
        allow(Condition={"ForAllValues:StringEquals": {"aws:TagKeys": ["team", "stage"]}}),
        keys={"aws:tagkeys": ("team", "cost")},
    ),
    one("no condition holds of everything", ALLOWED, allow(Condition={})),
]

# reference_policies_evaluation-logic_policy-eval-basics.html, access_policies_boundaries.html
EVERYTHING, NOTHING, SENDING = (policy(allow()),), (policy(),), (policy(allow("sqs:SendMessage")),)
RECEIVING, DENYING = (policy(allow("sqs:ReceiveMessage")),), (policy(allow(), deny("sqs:SendMessage")),)
LIMITS = [
    Case("a boundary alone allows nothing", NOT_ALLOWED, boundary=EVERYTHING),
    Case("a boundary that allows, too", ALLOWED, SENDING, boundary=EVERYTHING),
    Case("a boundary that does not", MISSING(BOUNDARY), EVERYTHING, boundary=RECEIVING),
    Case("a boundary that denies", DENIED_BY(BOUNDARY), EVERYTHING, boundary=DENYING),
    Case("an empty boundary allows nothing", MISSING(BOUNDARY), EVERYTHING, boundary=NOTHING),
    Case("a session policy that allows, too", ALLOWED, SENDING, session=EVERYTHING, caller="session"),
    Case("a session policy that does not", MISSING(SESSION_POLICY), EVERYTHING, session=RECEIVING, caller="session"),
    Case("a session policy that denies", DENIED_BY(SESSION_POLICY), EVERYTHING, session=DENYING, caller="session"),
    Case("a session policy alone allows nothing", NOT_ALLOWED, session=EVERYTHING, caller="session"),
    Case("one of two session policies allows", ALLOWED, EVERYTHING, session=RECEIVING + SENDING, caller="session"),
    Case("boundary, session and identity all allow", ALLOWED, SENDING, SENDING, SENDING, caller="session"),
    Case(
        "the boundary is missed before the session policy",
        MISSING(BOUNDARY),
        EVERYTHING,
        RECEIVING,
        RECEIVING,
        caller="session",
    ),
    Case("a deny in the identity policy is told first", DENIED_BY(IDENTITY), DENYING, boundary=DENYING),
    Case("a federated user without policies may nothing", MISSING(SESSION_POLICY), EVERYTHING, session=()),
]


def grant(principal: Any, effect: str = "Allow", **more: Any) -> str:
    return policy({"Effect": effect, "Principal": principal, "Action": "sqs:SendMessage", "Resource": QUEUE, **more})


# reference_policies_elements_principal.html, reference_policies_elements_notprincipal.html
RESOURCE_POLICIES = [
    Case("a user who is named needs nothing else", ALLOWED, resource=grant({"AWS": USER})),
    Case("one of several who are named", ALLOWED, resource=grant({"AWS": [ROLE, USER]})),
    Case("another user", NOT_ALLOWED, resource=grant({"AWS": USER + "2"})),
    Case("a user by unique id", ALLOWED, resource=grant({"AWS": "AIDAJOE"})),
    Case("everybody", ALLOWED, resource=grant("*")),
    Case("every AWS principal", ALLOWED, resource=grant({"AWS": "*"})),
    Case("the account alone only lets IAM decide", NOT_ALLOWED, resource=grant({"AWS": ROOT})),
    Case("the account's id is the account", NOT_ALLOWED, resource=grant({"AWS": ACCOUNT})),
    Case("the account, and IAM decides", ALLOWED, SENDING, resource=grant({"AWS": ROOT})),
    Case("a policy about others limits nobody", ALLOWED, SENDING, resource=grant({"AWS": ROLE})),
    Case("no wildcards in a principal's ARN", NOT_ALLOWED, resource=grant({"AWS": f"arn:aws:iam::{ACCOUNT}:user/*"})),
    Case("a deny of the user", DENIED_BY(RESOURCE), EVERYTHING, resource=grant({"AWS": USER}, "Deny")),
    Case(
        "a deny of the account denies its users", DENIED_BY(RESOURCE), EVERYTHING, resource=grant({"AWS": ROOT}, "Deny")
    ),
    Case("a deny of everybody", DENIED_BY(RESOURCE), EVERYTHING, resource=grant("*", "Deny")),
    Case("a deny of somebody else", ALLOWED, EVERYTHING, resource=grant({"AWS": ROLE}, "Deny")),
    Case("an identity policy's deny wins", DENIED_BY(IDENTITY), DENYING, resource=grant({"AWS": USER})),
    Case("a boundary limits no user who is named", ALLOWED, boundary=RECEIVING, resource=grant({"AWS": USER})),
    Case("a boundary's deny does", DENIED_BY(BOUNDARY), boundary=DENYING, resource=grant({"AWS": USER})),
    Case("a session's role is named", ALLOWED, resource=grant({"AWS": ROLE}), caller="session"),
    Case(
        "a role's boundary limits",
        MISSING(BOUNDARY),
        boundary=RECEIVING,
        resource=grant({"AWS": ROLE}),
        caller="session",
    ),
    Case(
        "a role's session policy limits",
        MISSING(SESSION_POLICY),
        session=RECEIVING,
        resource=grant({"AWS": ROLE}),
        caller="session",
    ),
    Case(
        "a session is named itself",
        ALLOWED,
        boundary=RECEIVING,
        session=RECEIVING,
        resource=grant({"AWS": SESSION}),
        caller="session",
    ),
    Case("another session of the role", NOT_ALLOWED, resource=grant({"AWS": SESSION + "2"}), caller="session"),
    Case("a role by unique id", ALLOWED, resource=grant({"AWS": "AROAWORKER"}), caller="session"),
    Case(
        "everybody with the role's ARN in a condition is not limited by the boundary",
        ALLOWED,
        boundary=RECEIVING,
        resource=grant("*", Condition={"ArnEquals": {"aws:PrincipalArn": ROLE}}),
        caller="session",
        keys={"aws:principalarn": (ROLE,)},
    ),
    Case("a service", ALLOWED, resource=grant({"Service": "events.amazonaws.com"}), caller="service"),
    Case(
        "a service that is not named",
        MISSING(RESOURCE),
        resource=grant({"Service": "sns.amazonaws.com"}),
        caller="service",
    ),
    Case("a service without any policy", MISSING(RESOURCE), caller="service"),
    Case("every AWS principal is no service", MISSING(RESOURCE), resource=grant({"AWS": "*"}), caller="service"),
    Case(
        "a service for one source",
        ALLOWED,
        resource=grant(
            {"Service": "events.amazonaws.com"}, Condition={"ArnLike": {"aws:SourceArn": "arn:aws:events:*:*:rule/*"}}
        ),
        caller="service",
        keys={"aws:sourcearn": (f"arn:aws:events:us-east-1:{ACCOUNT}:rule/nightly",)},
    ),
    Case(
        "a service for another account's source",
        MISSING(RESOURCE),
        resource=grant({"Service": "events.amazonaws.com"}, Condition={"StringEquals": {"aws:SourceAccount": OTHER}}),
        caller="service",
        keys={"aws:sourceaccount": (ACCOUNT,)},
    ),
    Case(
        "NotPrincipal denies everybody else",
        DENIED_BY(RESOURCE),
        EVERYTHING,
        resource=policy({"Effect": "Deny", "NotPrincipal": {"AWS": [ROLE, ROOT]}, "Action": "*", "Resource": "*"}),
    ),
    Case(
        "NotPrincipal spares a user named with its account",
        ALLOWED,
        EVERYTHING,
        resource=policy({"Effect": "Deny", "NotPrincipal": {"AWS": [USER, ROOT]}, "Action": "*", "Resource": "*"}),
    ),
    Case(
        "NotPrincipal without the account denies the user, too",
        DENIED_BY(RESOURCE),
        EVERYTHING,
        resource=policy({"Effect": "Deny", "NotPrincipal": {"AWS": USER}, "Action": "*", "Resource": "*"}),
    ),
    Case(
        "NotPrincipal spares a session named with its role and account",
        ALLOWED,
        EVERYTHING,
        resource=policy(
            {"Effect": "Deny", "NotPrincipal": {"AWS": [SESSION, ROLE, ROOT]}, "Action": "*", "Resource": "*"}
        ),
        caller="session",
    ),
]

# reference_policies_evaluation-logic-cross-account.html
CROSS_ACCOUNT = [
    Case("another account's resource without a policy", MISSING(RESOURCE), EVERYTHING, owner=OTHER),
    Case("both sides allow", ALLOWED, SENDING, resource=grant({"AWS": USER}), owner=OTHER),
    Case("only the resource's side", NOT_ALLOWED, resource=grant({"AWS": USER}), owner=OTHER),
    Case("only everybody on the resource's side", NOT_ALLOWED, resource=grant("*"), owner=OTHER),
    Case("the account on the resource's side", ALLOWED, SENDING, resource=grant({"AWS": ROOT}), owner=OTHER),
    Case("the account's id on the resource's side", ALLOWED, SENDING, resource=grant({"AWS": ACCOUNT}), owner=OTHER),
    Case(
        "the wrong account on the resource's side",
        MISSING(RESOURCE),
        SENDING,
        resource=grant({"AWS": OTHER}),
        owner=OTHER,
    ),
    Case("the resource's side denies", DENIED_BY(RESOURCE), SENDING, resource=grant("*", "Deny"), owner=OTHER),
    Case("the caller's side denies", DENIED_BY(IDENTITY), DENYING, resource=grant({"AWS": USER}), owner=OTHER),
    Case(
        "a boundary limits across accounts",
        MISSING(BOUNDARY),
        SENDING,
        RECEIVING,
        resource=grant({"AWS": USER}),
        owner=OTHER,
    ),
    Case(
        "a role's session across accounts",
        ALLOWED,
        SENDING,
        resource=grant({"AWS": ROLE}),
        owner=OTHER,
        caller="session",
    ),
    Case(
        "a session policy limits across accounts",
        MISSING(SESSION_POLICY),
        SENDING,
        session=RECEIVING,
        resource=grant({"AWS": ROLE}),
        owner=OTHER,
        caller="session",
    ),
    Case(
        "a service knows no accounts",
        ALLOWED,
        resource=grant({"Service": "events.amazonaws.com"}),
        owner=OTHER,
        caller="service",
    ),
]

KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"
KEY_CASE: dict[str, Any] = {"action": "kms:Decrypt", "on": KEY, "resource_decides": True}


def key_grant(principal: Any) -> str:
    return policy({"Effect": "Allow", "Principal": principal, "Action": "kms:*", "Resource": "*"})


# https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
KEYS = [
    Case("a key policy must agree", MISSING(RESOURCE), EVERYTHING, resource=key_grant({"AWS": ROLE}), **KEY_CASE),
    Case("a key policy lets IAM decide", ALLOWED, EVERYTHING, resource=key_grant({"AWS": ROOT}), **KEY_CASE),
    Case("a key policy that lets IAM decide allows nobody", NOT_ALLOWED, resource=key_grant({"AWS": ROOT}), **KEY_CASE),
    Case("a key policy allows a user", ALLOWED, resource=key_grant({"AWS": USER}), **KEY_CASE),
]

ASSUME: dict[str, Any] = {"action": "sts:AssumeRole", "on": ROLE, "is_trust": True, "resource_decides": True}


def trust(principal: Any, **more: Any) -> str:
    return policy({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more})


# id_roles_create_for-user_externalid.html, reference_policies_elements_principal.html
EXTERNAL_ID = {"Condition": {"StringEquals": {"sts:ExternalId": "12345"}}}
TRUSTS = [
    Case("a trusted service", ALLOWED, resource=trust({"Service": "events.amazonaws.com"}), caller="service", **ASSUME),
    Case(
        "one of several trusted services",
        ALLOWED,
        resource=trust({"Service": ["ec2.amazonaws.com", "events.amazonaws.com"]}),
        caller="service",
        **ASSUME,
    ),
    Case(
        "a service that is not trusted",
        MISSING(TRUST),
        resource=trust({"Service": "ecs-tasks.amazonaws.com"}),
        caller="service",
        **ASSUME,
    ),
    Case("a trusted user of the account", ALLOWED, resource=trust({"AWS": USER}), **ASSUME),
    Case("the trusted account needs IAM", NOT_ALLOWED, resource=trust({"AWS": ROOT}), **ASSUME),
    Case(
        "the trusted account, and IAM",
        ALLOWED,
        (policy(allow("sts:AssumeRole", ROLE)),),
        resource=trust({"AWS": ROOT}),
        **ASSUME,
    ),
    Case("IAM alone is not enough", MISSING(TRUST), EVERYTHING, resource=trust({"AWS": OTHER}), **ASSUME),
    Case("trust across accounts needs IAM", NOT_ALLOWED, resource=trust({"AWS": USER}), owner=OTHER, **ASSUME),
    Case("trust across accounts, and IAM", ALLOWED, EVERYTHING, resource=trust({"AWS": USER}), owner=OTHER, **ASSUME),
    Case(
        "the right external id",
        ALLOWED,
        EVERYTHING,
        resource=trust({"AWS": ROOT}, **EXTERNAL_ID),
        keys={"sts:externalid": ("12345",)},
        **ASSUME,
    ),
    Case(
        "the wrong external id",
        MISSING(TRUST),
        EVERYTHING,
        resource=trust({"AWS": ROOT}, **EXTERNAL_ID),
        keys={"sts:externalid": ("1",)},
        **ASSUME,
    ),
    Case("no external id", MISSING(TRUST), EVERYTHING, resource=trust({"AWS": ROOT}, **EXTERNAL_ID), **ASSUME),
    Case(
        "an explicit deny in the trust policy",
        DENIED_BY(TRUST),
        EVERYTHING,
        resource=policy({"Effect": "Deny", "Principal": "*", "Action": "sts:*"}),
        **ASSUME,
    ),
    Case(
        "a trusted identity provider",
        ALLOWED,
        resource=policy(
            {
                "Effect": "Allow",
                "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/id.example"},
                "Action": "sts:AssumeRoleWithWebIdentity",
            }
        ),
        caller="web identity",
        **{**ASSUME, "action": "sts:AssumeRoleWithWebIdentity"},
    ),
    Case(
        "an identity provider that is not trusted",
        MISSING(TRUST),
        resource=policy(
            {
                "Effect": "Allow",
                "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/other.example"},
                "Action": "sts:AssumeRoleWithWebIdentity",
            }
        ),
        caller="web identity",
        **{**ASSUME, "action": "sts:AssumeRoleWithWebIdentity"},
    ),
]

CASES = [
    *EFFECTS,
    *ACTIONS,
    *RESOURCES,
    *VARIABLES,
    *CONDITIONS,
    *LIMITS,
    *RESOURCE_POLICIES,
    *CROSS_ACCOUNT,
    *KEYS,
    *TRUSTS,
]
