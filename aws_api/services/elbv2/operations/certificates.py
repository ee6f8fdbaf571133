"""The certificates that a listener serves besides its default one, by the name that the client asks for.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/https-listener-certificates.html
"""

from typing import Any

from aws_api.core.context import Context
from aws_api.core.pagination import page_of_list
from aws_api.services.elbv2 import limits, shapes
from aws_api.services.elbv2.changes import load_balancer_changed
from aws_api.services.elbv2.describe import certificate_shapes
from aws_api.services.elbv2.errors import ValidationError
from aws_api.services.elbv2.listing import DEFAULT_PAGE
from aws_api.services.elbv2.models import Listener
from aws_api.services.elbv2.service import elbv2
from aws_api.services.elbv2.serving import checked_certificate
from aws_api.services.elbv2.store import find_listener

Shape = dict[str, Any]


@elbv2.operation
def add_listener_certificates(context: Context, request: shapes.AddListenerCertificatesInput) -> Shape:
    """Add certificates; one that is there already stays."""
    listener = find_listener(context, request["ListenerArn"], locked=True)
    if not listener.certificates:
        raise shapes.ListenerNotFoundException(f"Listener '{listener.arn}' does not use certificates")
    wanted = [_arn(certificate) for certificate in request["Certificates"]]
    for arn in wanted:
        checked_certificate(context, arn)
    listener.certificates = list(dict.fromkeys([*listener.certificates, *wanted]))
    _check_count(listener)
    listener.save(update_fields=["certificates"])
    load_balancer_changed(listener.load_balancer)
    return {"Certificates": [{"CertificateArn": arn, "IsDefault": False} for arn in wanted]}


@elbv2.operation
def remove_listener_certificates(context: Context, request: shapes.RemoveListenerCertificatesInput) -> Shape:
    """Take certificates from a listener, but not its default one."""
    listener = find_listener(context, request["ListenerArn"], locked=True)
    gone = {_arn(certificate) for certificate in request["Certificates"]}
    if listener.certificates and listener.certificates[0] in gone:
        raise shapes.OperationNotPermittedException(
            f"The default certificate of listener '{listener.arn}' cannot be removed"
        )
    listener.certificates = [arn for arn in listener.certificates if arn not in gone]
    listener.save(update_fields=["certificates"])
    load_balancer_changed(listener.load_balancer)
    return {}


@elbv2.operation
def describe_listener_certificates(context: Context, request: shapes.DescribeListenerCertificatesInput) -> Shape:
    """The certificates of a listener, the default one first."""
    listener = find_listener(context, request["ListenerArn"])
    found, marker = page_of_list(
        certificate_shapes(listener),
        token=request.get("Marker"),
        limit=request.get("PageSize") or DEFAULT_PAGE,
        error=lambda _: ValidationError("The marker is not valid"),
    )
    return {"Certificates": found, **({"NextMarker": marker} if marker else {})}


def _arn(certificate: shapes.Certificate) -> str:
    if certificate.get("IsDefault") is not None:
        raise ValidationError("You cannot specify the isDefault value for a certificate")
    return certificate.get("CertificateArn", "")


def _check_count(listener: Listener) -> None:
    arns: set[str] = set(listener.certificates[1:])
    for other in listener.load_balancer.listeners.exclude(pk=listener.pk):
        arns.update(other.certificates[1:])
    if len(arns) > limits.CERTIFICATES_PER_LOAD_BALANCER:
        raise shapes.TooManyCertificatesException(
            f"The maximum number of certificates '{limits.CERTIFICATES_PER_LOAD_BALANCER}' has been reached"
        )
