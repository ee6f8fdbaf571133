"""Policy evaluation: pure functions from policies and a request to a decision. Knows no rows, no Django, no gateway.

``parse`` turns a document's text into a frozen Policy, ``Group`` binds the policies of one kind together and indexes
them by action, ``evaluate`` decides.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

from aws_api.services.iam.evaluation.decisions import AccessRequest, Decision, Effect, Policies, PolicyKind, evaluate
from aws_api.services.iam.evaluation.groups import Group, NamedPolicy
from aws_api.services.iam.evaluation.principals import Caller
from aws_api.services.iam.evaluation.syntax import Policy, PolicySyntaxError, Statement, parse

__all__ = [
    "AccessRequest",
    "Caller",
    "Decision",
    "Effect",
    "Group",
    "NamedPolicy",
    "Policies",
    "Policy",
    "PolicyKind",
    "PolicySyntaxError",
    "Statement",
    "evaluate",
    "parse",
]
