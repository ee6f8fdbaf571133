"""What every answer of Simfra's own carries, and who gets none."""

from collections.abc import Callable
from ipaddress import ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden

HEALTH_PATH = "/_simfra/health"
#: Nothing from elsewhere, nothing inline; websockets to where the page came from.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

Handler = Callable[[HttpRequest], HttpResponse]


def content_security_policy(get_response: Handler) -> Handler:
    """Add the Content-Security-Policy header."""

    def handle(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        return response

    return handle


def not_for_tasks(get_response: Handler) -> Handler:
    """Refuse the console and the admin API to task containers: theirs is the AWS endpoint."""

    def handle(request: HttpRequest) -> HttpResponse:
        if request.path != HEALTH_PATH and comes_from_a_task(request.META.get("REMOTE_ADDR", "")):
            return HttpResponseForbidden("Tasks reach the AWS endpoint, not the console or the admin API.")
        return get_response(request)

    return handle


def comes_from_a_task(address: str) -> bool:
    """Whether an address is a VPC gateway's, on the network between those and Simfra.

    The network's first address is the engine's host, from where people come when Simfra's port is published.
    """
    uplink = ip_network(settings.SIMFRA_UPLINK_SUBNET)
    try:
        return ip_address(address) in uplink and ip_address(address) != next(uplink.hosts())
    except ValueError:
        return False
