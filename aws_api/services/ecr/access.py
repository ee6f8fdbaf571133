"""Who may use the registry: logged-in callers as far as policies allow, unasked ones on a relaxed instance's loopback.

A request needs the permission of the API's operation that does the same, of the caller's own policies and, across
accounts, of the repository's or the registry's:
https://docs.aws.amazon.com/AmazonECR/latest/userguide/security_iam_service-with-iam.html
"""

from django.conf import settings

from aws_api.core.authorization import authorize_access
from aws_api.core.callers import is_local
from aws_api.core.context import Context
from aws_api.core.errors import AwsError
from aws_api.services.ecr.exchange import Exchange, RegistryError
from aws_api.services.ecr.login import BadLogin, Login, LoginExpired, read_basic_authorization
from aws_api.services.ecr.names import RepositoryName


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


async def check_access(login: Login | None, name: RepositoryName, action: str) -> None:
    """Raise DENIED where whoever logged in may not do that to the repository. ``action`` has no prefix."""
    resource = f"arn:aws:ecr:{name.region}:{name.account_id}:repository/{name.name}"
    await _require(login, name.account_id, name.region, action, resource)


async def check_registry_access(login: Login, region: str, action: str) -> None:
    """The same for the caller's registry as a whole."""
    await _require(login, login.account_id, region, action, "*")


async def _require(login: Login | None, account_id: str, region: str, action: str, resource: str) -> None:
    if login is None:
        return
    context = Context(account_id=account_id, region=region, principal=login.principal)
    try:
        await authorize_access(context, (f"ecr:{action}", resource))
    except AwsError as error:
        raise RegistryError(403, "DENIED", error.message) from error


def _unauthorized(exchange: Exchange, message: str) -> RegistryError:
    challenge = f'Basic realm="{exchange.scheme}://{exchange.host}/",service="ecr.amazonaws.com"'
    return RegistryError(401, "UNAUTHORIZED", message, {"www-authenticate": challenge})
