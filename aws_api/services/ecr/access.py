"""Who may use the registry: logged-in callers their own account's, unasked ones on a relaxed instance's loopback."""

from django.conf import settings

from aws_api.core.callers import is_local
from aws_api.services.ecr.exchange import Exchange, RegistryError
from aws_api.services.ecr.login import BadLogin, Login, LoginExpired, read_basic_authorization


def authenticate(exchange: Exchange) -> Login | None:
    """The caller who logged in; None where nobody need. Raises 401 and 403 as ECR answers them.

    What tasks send comes from the uplink network, never from loopback, so they always log in.
    """
    authorization = exchange.headers.get("authorization")
    if authorization is None:
        if settings.SIMFRA_AUTH == "relaxed" and is_local(exchange.client_host, exchange.host):
            return None
        raise _unauthorized(exchange, "no basic auth credentials")
    try:
        return read_basic_authorization(authorization, exchange.now)
    except BadLogin:
        raise _unauthorized(exchange, "Not Authorized") from None
    except LoginExpired:
        message = "Your authorization token has expired. Reauthenticate and try again."
        raise RegistryError(403, "DENIED", message) from None


def check_access(login: Login | None, account_id: str) -> None:
    """Raise DENIED for another account's registry."""
    if login is not None and login.account_id != account_id:
        message = (
            f"User: {login.arn} is not authorized to access the registry with id '{account_id}' because no "
            f"resource-based policy allows it"
        )
        raise RegistryError(403, "DENIED", message)


def _unauthorized(exchange: Exchange, message: str) -> RegistryError:
    challenge = f'Basic realm="{exchange.scheme}://{exchange.host}/",service="ecr.amazonaws.com"'
    return RegistryError(401, "UNAUTHORIZED", message, {"www-authenticate": challenge})
