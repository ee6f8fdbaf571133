"""Policy evaluation decides as AWS documents it, whatever the order of policies."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_api.services.iam.evaluation import (
    AccessRequest,
    Caller,
    Effect,
    Group,
    NamedPolicy,
    Policies,
    PolicyKind,
    PolicySyntaxError,
    evaluate,
    parse,
)
from tests.services.iam.evaluation_cases import (
    ACCOUNT,
    CASES,
    OPERATORS,
    QUEUE,
    ROLE,
    SESSION,
    USER,
    Case,
    ConditionCase,
    allow,
    deny,
    policy,
)

CALLERS = {
    "user": Caller(arn=USER, account_id=ACCOUNT, unique_id="AIDAJOE"),
    "session": Caller(arn=SESSION, account_id=ACCOUNT, role_arn=ROLE, unique_id="AROAWORKER"),
    "service": Caller(arn="events.amazonaws.com", account_id=ACCOUNT, service="events.amazonaws.com"),
    "web identity": Caller(
        arn="anonymous", account_id=ACCOUNT, provider=f"arn:aws:iam::{ACCOUNT}:oidc-provider/id.example"
    ),
}


def group(documents):
    return None if documents is None else Group(tuple(NamedPolicy("policy", parse(text)) for text in documents))


def decide(case: Case) -> str:
    keys = {"aws:username": ("joe",), **case.keys}
    decision = evaluate(
        AccessRequest(
            caller=CALLERS[case.caller],
            action=case.action,
            resource=case.on,
            resource_account_id=case.owner,
            keys=keys,
        ),
        Policies(
            identity=group(case.identity),
            boundary=group(case.boundary),
            session=group(case.session),
            resource=group(None if case.resource is None else (case.resource,)),
            resource_decides=case.resource_decides,
            resource_kind=PolicyKind.TRUST if case.is_trust else PolicyKind.RESOURCE,
        ),
    )
    return decision.effect.value if decision.is_allowed else f"{decision.effect}: {decision.kind}"


def test_the_tables_are_long_enough_and_say_each_thing_once():
    assert len(CASES) + len(OPERATORS) >= 150
    titles = [case.title for case in CASES]
    assert len(titles) == len(set(titles))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_documented_case(case):
    assert decide(case) == case.expected


def name_of(case: ConditionCase) -> str:
    verb = "holds" if case.holds else "fails"
    return f"{case.operator} {case.wanted} {verb} of {'nothing' if case.found is None else ' '.join(case.found)}"


@pytest.mark.parametrize("case", OPERATORS, ids=name_of)
def test_a_condition_operator(case):
    keys = {} if case.found is None else {"k": case.found}
    document = policy(allow(Condition={case.operator: {"k": case.wanted}}))
    expected = "allowed" if case.holds else "implicitDeny: identity-based policy"
    assert decide(Case("", expected, (document,), keys=keys)) == expected


@pytest.mark.parametrize(
    "document",
    [
        "",
        "[]",
        '{"Statement": 1}',
        '{"Statement": [{"Effect": "Perhaps", "Action": "*", "Resource": "*"}]}',
        '{"Statement": [{"Effect": "Allow", "Resource": "*"}]}',
        '{"Statement": [{"Effect": "Allow", "Action": "*", "NotAction": "*", "Resource": "*"}]}',
        '{"Statement": [{"Effect": "Allow", "Action": {}, "Resource": "*"}]}',
        '{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringIs": {"a": "b"}}}]}',
        '{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEquals": "b"}}]}',
    ],
)
def test_what_is_no_policy_is_refused(document):
    with pytest.raises(PolicySyntaxError):
        parse(document)


def test_the_deciding_statement_is_named():
    document = policy(allow("s3:*", Sid="Files"), allow("sqs:*", Sid="Queues"))
    request = AccessRequest(
        caller=CALLERS["user"], action="sqs:SendMessage", resource=QUEUE, resource_account_id=ACCOUNT, keys={}
    )
    decision = evaluate(request, Policies(identity=Group((NamedPolicy("arn:mine", parse(document)),))))
    assert (decision.policy, decision.statement) == ("arn:mine", "Queues")
    assert decision.reason(request.action) == "allowed by Queues of arn:mine"


DENYING, DENYING_ALL = (group((policy(statement),)) for statement in (deny(), {**deny(), "Principal": "*"}))


@pytest.mark.parametrize(
    ("policies", "reason"),
    [
        ({}, "because no identity-based policy allows the sqs:SendMessage action"),
        ({"boundary": Group()}, "because no permissions boundary allows the sqs:SendMessage action"),
        ({"session": Group()}, "because no session policy allows the sqs:SendMessage action"),
        (
            {"resource": Group(), "resource_decides": True},
            "because no resource-based policy allows the sqs:SendMessage action",
        ),
        (
            {"resource": Group(), "resource_decides": True, "resource_kind": PolicyKind.TRUST},
            "because no role trust policy allows the sqs:SendMessage action",
        ),
        ({"identity": DENYING}, "with an explicit deny in an identity-based policy"),
        ({"boundary": DENYING}, "with an explicit deny in a permissions boundary"),
        ({"session": DENYING}, "with an explicit deny in a session policy"),
        ({"resource": DENYING_ALL}, "with an explicit deny in a resource-based policy"),
        (
            {"resource": DENYING_ALL, "resource_kind": PolicyKind.TRUST},
            "with an explicit deny in the role trust policy",
        ),
    ],
)
def test_reasons_are_worded_as_aws_words_them(policies, reason):
    request = AccessRequest(
        caller=CALLERS["user"], action="sqs:SendMessage", resource=QUEUE, resource_account_id=ACCOUNT, keys={}
    )
    assert evaluate(request, Policies(**policies)).reason(request.action) == reason


def test_a_pattern_of_many_stars_takes_no_time():
    document = policy(allow("*", "arn:aws:sqs:*:*:" + "a*" * 1000 + "b"))
    started = time.perf_counter()
    case = Case("", "", (document,), on=f"arn:aws:sqs:us-east-1:{ACCOUNT}:" + "a" * 2000)
    assert decide(case) == "implicitDeny: identity-based policy"
    assert time.perf_counter() - started < 1


ACTIONS = st.sampled_from(["sqs:SendMessage", "sqs:*", "SQS:send*", "s3:GetObject", "*", "sqs:?endMessage"])
RESOURCES = st.sampled_from(
    [QUEUE, "*", "arn:aws:sqs:*:*:orders", "arn:aws:sqs:*:*:other", "arn:aws:sqs:*:*:${aws:username}*"]
)
CONDITIONS = st.sampled_from(
    [
        {},
        {"StringEquals": {"k": "1"}},
        {"StringNotEquals": {"k": "1"}},
        {"Null": {"k": "true"}},
        {"ForAllValues:StringEquals": {"k": ["1", "2"]}},
        {"NumericLessThanIfExists": {"k": "2"}},
    ]
)
PRINCIPALS = st.sampled_from(["*", {"AWS": USER}, {"AWS": ROLE}, {"AWS": ACCOUNT}, {"Service": "events.amazonaws.com"}])


@st.composite
def statements(draw, effects=("Allow", "Deny"), principals=False):
    statement = {
        "Effect": draw(st.sampled_from(effects)),
        draw(st.sampled_from(["Action", "NotAction"])): draw(ACTIONS),
        draw(st.sampled_from(["Resource", "NotResource"])): draw(RESOURCES),
        "Condition": draw(CONDITIONS),
    }
    return {**statement, "Principal": draw(PRINCIPALS)} if principals else statement


POLICY = st.lists(statements(), max_size=4)
KEYS = st.sampled_from([{}, {"k": ("1",)}, {"k": ("1", "2")}, {"k": ("3",)}])
WHO = st.sampled_from(sorted(CALLERS))
WHOSE = st.sampled_from([ACCOUNT, "999999999999"])
SITUATION = st.fixed_dictionaries(
    {
        "identity": st.lists(POLICY, max_size=3),
        "boundary": st.none() | st.lists(POLICY, max_size=1),
        "session": st.none() | st.lists(POLICY, max_size=2),
        "resource": st.none() | st.lists(statements(principals=True), max_size=3),
        "keys": KEYS,
        "caller": WHO,
        "owner": WHOSE,
    }
)


def situation_case(situation):
    def documents(policies):
        return None if policies is None else tuple(policy(*statements) for statements in policies)

    return Case(
        "",
        "",
        identity=documents(situation["identity"]),
        boundary=documents(situation["boundary"]),
        session=documents(situation["session"]),
        resource=None if situation["resource"] is None else policy(*situation["resource"]),
        keys=situation["keys"],
        caller=situation["caller"],
        owner=situation["owner"],
    )


@settings(max_examples=200, deadline=None)
@given(SITUATION)
def test_deny_always_wins(situation):
    for kind in ("identity", "boundary", "session"):
        denying = {**situation, kind: [*(situation[kind] or []), [deny()]]}
        assert decide(situation_case(denying)).startswith(Effect.EXPLICIT_DENY)
    everybody = {**deny(), "Principal": "*"}
    denying = {**situation, "resource": [*(situation["resource"] or []), everybody]}
    assert decide(situation_case(denying)).startswith(Effect.EXPLICIT_DENY)


@settings(max_examples=300, deadline=None)
@given(SITUATION, statements(effects=("Allow",)), statements(effects=("Allow",), principals=True))
def test_adding_an_allow_never_removes_one(situation, statement, granting):
    if decide(situation_case(situation)) != "allowed":
        return
    more = {**situation, "identity": [*situation["identity"], [statement]]}
    assert decide(situation_case(more)) == "allowed"
    for kind in ("boundary", "session"):
        if situation[kind] is not None:
            more = {**situation, kind: [*situation[kind], [statement]]}
            assert decide(situation_case(more)) == "allowed"
    more = {**situation, "resource": [*(situation["resource"] or []), granting]}
    assert decide(situation_case(more)) == "allowed"


@settings(max_examples=200, deadline=None)
@given(SITUATION, st.randoms(use_true_random=False))
def test_order_does_not_matter(situation, random):
    before = decide(situation_case(situation))
    shuffled = json.loads(json.dumps(situation))
    shuffled["keys"] = situation["keys"]
    for kind in ("identity", "boundary", "session"):
        for statements_of_one in shuffled[kind] or []:
            random.shuffle(statements_of_one)
        random.shuffle(shuffled[kind] or [])
    random.shuffle(shuffled["resource"] or [])
    assert decide(situation_case(shuffled)) == before
