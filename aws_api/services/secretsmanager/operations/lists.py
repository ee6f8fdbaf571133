"""ListSecrets. https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html"""

from aws_api.core.context import Context
from aws_api.core.pagination import page_of_list
from aws_api.services.secretsmanager import describe
from aws_api.services.secretsmanager.filters import check_filters, matches
from aws_api.services.secretsmanager.models import Secret
from aws_api.services.secretsmanager.secrets import remove_gone_secrets
from aws_api.services.secretsmanager.service import secretsmanager
from aws_api.services.secretsmanager.shapes import (
    InvalidNextTokenException,
    ListSecretsRequest,
    ListSecretsResponse,
)

DEFAULT_LISTED = 100
_COLUMNS = {
    "created-date": "created_at",
    "last-changed-date": "changed_at",
    "last-accessed-date": "accessed_on",
    "name": "name",
}


@secretsmanager.operation
def list_secrets(context: Context, request: ListSecretsRequest) -> ListSecretsResponse:
    """The account's secrets, by filters; those that wait for their deletion only where asked for."""
    remove_gone_secrets(context)
    filters = request.get("Filters") or []
    check_filters(filters)
    rows = Secret.objects.filter(account_id=context.account_id, region=context.region)
    if not request.get("IncludePlannedDeletion"):
        rows = rows.filter(deletion_at=None)
    direction = "-" if request.get("SortOrder") == "desc" else ""
    order = direction + _COLUMNS[request.get("SortBy") or "created-date"]
    page, token = page_of_list(
        [row for row in rows.order_by(order, f"{direction}id") if matches(row, filters)],
        token=request.get("NextToken"),
        limit=request.get("MaxResults") or DEFAULT_LISTED,
        error=InvalidNextTokenException,
    )
    now = context.clock.now()
    answer: ListSecretsResponse = {"SecretList": [describe.list_entry(row, now) for row in page]}
    if token:
        answer["NextToken"] = token
    return answer
