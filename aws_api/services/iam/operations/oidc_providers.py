"""OpenID Connect providers, whose tokens AssumeRoleWithWebIdentity takes.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction

from aws_api.core.context import Context
from aws_api.core.tags import tags_to_list
from aws_api.services.iam import shapes
from aws_api.services.iam.listing import list_items
from aws_api.services.iam.models import OidcProvider
from aws_api.services.iam.service import REGION, iam
from aws_api.services.iam.tagging import add_tags, new_tags, remove_tags

MAX_PROVIDERS = 100
MAX_CLIENT_IDS = 100
MAX_THUMBPRINTS = 5


@iam.operation
def create_open_id_connect_provider(
    context: Context, request: shapes.CreateOpenIDConnectProviderRequest
) -> shapes.CreateOpenIDConnectProviderResponse:
    """Register a provider by its issuer's URL. AWS wants https; a provider beside Simfra may do without."""
    url = urlsplit(request["Url"])
    if url.scheme not in ("https", "http") or not url.netloc or url.query or url.fragment:
        raise shapes.InvalidInputException("Invalid Open ID Connect Provider URL")
    host = f"{url.netloc}{url.path}".rstrip("/")
    if OidcProvider.objects.filter(account_id=context.account_id).count() >= MAX_PROVIDERS:
        raise shapes.LimitExceededException(
            f"Cannot exceed quota for OpenIdConnectProvidersPerAccount: {MAX_PROVIDERS}"
        )
    try:
        with transaction.atomic():
            provider = OidcProvider.objects.create(
                account_id=context.account_id,
                region=REGION,
                host=host,
                document={
                    "ClientIDList": _client_ids(request.get("ClientIDList") or []),
                    "ThumbprintList": _thumbprints(request.get("ThumbprintList") or []),
                },
                tags=new_tags(request.get("Tags")),
                created_at=context.clock.now(),
            )
    except IntegrityError:
        raise shapes.EntityAlreadyExistsException(f"Provider with url {request['Url']} already exists.") from None
    response: shapes.CreateOpenIDConnectProviderResponse = {"OpenIDConnectProviderArn": provider.arn}
    if provider.tags:
        response["Tags"] = _tags(provider)
    return response


@iam.operation
def get_open_id_connect_provider(
    context: Context, request: shapes.GetOpenIDConnectProviderRequest
) -> shapes.GetOpenIDConnectProviderResponse:
    """A provider; its URL without the scheme, as AWS answers it."""
    provider = _find(context, request["OpenIDConnectProviderArn"])
    return {
        "Url": provider.host,
        "ClientIDList": provider.document["ClientIDList"],
        "ThumbprintList": provider.document["ThumbprintList"],
        "CreateDate": provider.created_at,
        "Tags": _tags(provider),
    }


@iam.operation
def list_open_id_connect_providers(
    context: Context, request: Mapping[str, Any]
) -> shapes.ListOpenIDConnectProvidersResponse:
    """All providers: AWS pages them not."""
    providers = OidcProvider.objects.filter(account_id=context.account_id).order_by("host")
    return {"OpenIDConnectProviderList": [{"Arn": provider.arn} for provider in providers]}


@iam.operation
def delete_open_id_connect_provider(context: Context, request: shapes.DeleteOpenIDConnectProviderRequest) -> None:
    """Delete a provider; what is not there is deleted already."""
    arn = request["OpenIDConnectProviderArn"]
    OidcProvider.objects.filter(account_id=context.account_id, host=_host_of(arn)).delete()


@iam.operation
def update_open_id_connect_provider_thumbprint(
    context: Context, request: shapes.UpdateOpenIDConnectProviderThumbprintRequest
) -> None:
    """Replace the thumbprints of the provider's certificates."""
    provider = _find(context, request["OpenIDConnectProviderArn"])
    provider.document["ThumbprintList"] = _thumbprints(request["ThumbprintList"])
    provider.save(update_fields=["document"])


@iam.operation
def add_client_id_to_open_id_connect_provider(
    context: Context, request: shapes.AddClientIDToOpenIDConnectProviderRequest
) -> None:
    """Take tokens for one more audience."""
    provider = _find(context, request["OpenIDConnectProviderArn"])
    provider.document["ClientIDList"] = _client_ids([*provider.document["ClientIDList"], request["ClientID"]])
    provider.save(update_fields=["document"])


@iam.operation
def remove_client_id_from_open_id_connect_provider(
    context: Context, request: shapes.RemoveClientIDFromOpenIDConnectProviderRequest
) -> None:
    """Take tokens for an audience no more."""
    provider = _find(context, request["OpenIDConnectProviderArn"])
    provider.document["ClientIDList"] = [
        client_id for client_id in provider.document["ClientIDList"] if client_id != request["ClientID"]
    ]
    provider.save(update_fields=["document"])


@iam.operation
def tag_open_id_connect_provider(context: Context, request: shapes.TagOpenIDConnectProviderRequest) -> None:
    """Add tags."""
    add_tags(_find(context, request["OpenIDConnectProviderArn"]), request["Tags"])


@iam.operation
def untag_open_id_connect_provider(context: Context, request: shapes.UntagOpenIDConnectProviderRequest) -> None:
    """Remove tags."""
    remove_tags(_find(context, request["OpenIDConnectProviderArn"]), request["TagKeys"])


@iam.operation
def list_open_id_connect_provider_tags(
    context: Context, request: shapes.ListOpenIDConnectProviderTagsRequest
) -> shapes.ListOpenIDConnectProviderTagsResponse:
    """A provider's tags."""
    tags = _tags(_find(context, request["OpenIDConnectProviderArn"]))
    response: shapes.ListOpenIDConnectProviderTagsResponse = list_items(request, "Tags", tags, dict)
    return response


def _find(context: Context, arn: str) -> OidcProvider:
    provider = OidcProvider.objects.filter(account_id=context.account_id, host=_host_of(arn)).first()
    if provider is None or provider.arn != arn:
        raise shapes.NoSuchEntityException(f"OpenIDConnect Provider not found for arn {arn}")
    return provider


def _host_of(arn: str) -> str:
    return arn.partition(":oidc-provider/")[2]


def _tags(provider: OidcProvider) -> Any:
    return tags_to_list(provider.tags)


def _client_ids(client_ids: list[str]) -> list[str]:
    if len(client_ids) > MAX_CLIENT_IDS:
        raise shapes.LimitExceededException(
            f"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {MAX_CLIENT_IDS}"
        )
    return list(dict.fromkeys(client_ids))


def _thumbprints(thumbprints: list[str]) -> list[str]:
    if len(thumbprints) > MAX_THUMBPRINTS:
        raise shapes.InvalidInputException(f"Thumbprint list must contain fewer than {MAX_THUMBPRINTS + 1} entries.")
    return list(thumbprints)
