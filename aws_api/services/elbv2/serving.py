"""Certificates of listeners: whether they are there, and who uses one."""

from collections.abc import Iterable

from aws_api.core.certificates import find_certificate, register_certificate_users
from aws_api.core.changes import StateChange, subscribe
from aws_api.core.context import Context
from aws_api.services.elbv2.changes import load_balancer_changed
from aws_api.services.elbv2.models import Listener
from aws_api.services.elbv2.shapes import CertificateNotFoundException

#: The kind whose change means that a certificate was replaced.
CERTIFICATE_KIND = "acm.certificate"


def checked_certificate(context: Context, arn: str) -> str:
    """The ARN of a certificate that is there. Raises CertificateNotFound."""
    if find_certificate(context.account_id, context.region, arn) is None:
        raise CertificateNotFoundException(f"Certificate '{arn}' not found")
    return arn


@register_certificate_users
def load_balancers_with(arn: str) -> Iterable[str]:
    """The ARNs of load balancers that serve a certificate."""
    rows = Listener.objects.filter(certificates__contains=[arn], load_balancer__desired_deleted=False)
    return rows.values_list("load_balancer__arn", flat=True)


@subscribe
def serve_what_was_replaced(change: StateChange) -> None:
    """A certificate was imported again or renewed: its load balancers take the new one."""
    if change.kind == CERTIFICATE_KIND:
        for listener in Listener.objects.filter(certificates__contains=[change.key]).select_related("load_balancer"):
            load_balancer_changed(listener.load_balancer)
