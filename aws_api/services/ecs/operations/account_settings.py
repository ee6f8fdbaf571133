"""Account settings: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-account-settings.html"""

from typing import Any

from aws_api.core.context import Context
from aws_api.core.pagination import page_of_list
from aws_api.services.ecs.account_settings import EVERYBODY, VALUES
from aws_api.services.ecs.models import AccountSetting
from aws_api.services.ecs.service import ecs
from aws_api.services.ecs.shapes import (
    DeleteAccountSettingRequest,
    InvalidParameterException,
    ListAccountSettingsRequest,
    PutAccountSettingDefaultRequest,
    PutAccountSettingRequest,
)

Shape = dict[str, Any]


@ecs.operation
def list_account_settings(context: Context, request: ListAccountSettingsRequest) -> Shape:
    """A principal's settings; with ``effectiveSettings`` also what holds for it by default."""
    principal = request.get("principalArn") or context.principal.arn
    settings = _own(context, principal)
    if request.get("effectiveSettings"):
        settings = {**{name: values[0] for name, values in VALUES.items()}, **_own(context, EVERYBODY), **settings}
    shapes = [
        _describe(name, settings[name], principal)
        for name in sorted(settings)
        if request.get("name", name) == name and request.get("value", settings[name]) == settings[name]
    ]
    page, token = page_of_list(
        shapes, token=request.get("nextToken"), limit=request.get("maxResults") or 10, error=InvalidParameterException
    )
    return {"settings": page, "nextToken": token} if token else {"settings": page}


@ecs.operation
def put_account_setting(context: Context, request: PutAccountSettingRequest) -> Shape:
    """Set a setting of a principal; of the caller where none is named."""
    principal = request.get("principalArn") or context.principal.arn
    # What the root user sets holds for the whole account, unless somebody set it for themselves.
    key = EVERYBODY if principal.endswith(":root") else principal
    return _put(context, key, principal, request["name"], request["value"])


@ecs.operation
def put_account_setting_default(context: Context, request: PutAccountSettingDefaultRequest) -> Shape:
    """Set what holds for every principal that has not set it for itself."""
    return _put(context, EVERYBODY, _root(context), request["name"], request["value"])


@ecs.operation
def delete_account_setting(context: Context, request: DeleteAccountSettingRequest) -> Shape:
    """Take a principal's own setting away, so that the default holds."""
    name, principal = request["name"], request.get("principalArn") or context.principal.arn
    key = EVERYBODY if principal.endswith(":root") else principal
    _rows(context, key).filter(name=_known(name)).delete()
    return {"setting": {"name": name, "value": VALUES[name][0], "principalArn": principal}}


def _put(context: Context, key: str, principal: str, name: str, value: str) -> Shape:
    if value not in VALUES[_known(name)]:
        raise InvalidParameterException(f"{name} value should be one of [{','.join(VALUES[name])}]")
    AccountSetting.objects.update_or_create(
        account_id=context.account_id,
        region=context.region,
        principal_arn=key,
        name=name,
        defaults={"value": value},
    )
    return {"setting": _describe(name, value, principal)}


def _known(name: str) -> str:
    if name not in VALUES:
        raise InvalidParameterException(f"unknown should be one of [{','.join(VALUES)}]")
    return name


def _describe(name: str, value: str, principal: str) -> Shape:
    return {"name": name, "value": value, "principalArn": principal, "type": "user"}


def _own(context: Context, principal: str) -> dict[str, str]:
    key = EVERYBODY if principal.endswith(":root") else principal
    return dict(_rows(context, key).values_list("name", "value"))


def _rows(context: Context, key: str) -> Any:
    return AccountSetting.objects.filter(account_id=context.account_id, region=context.region, principal_arn=key)


def _root(context: Context) -> str:
    return f"arn:aws:iam::{context.account_id}:root"
