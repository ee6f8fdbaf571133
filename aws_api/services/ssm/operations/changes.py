"""PutParameter, DeleteParameter, DeleteParameters."""

from django.db import IntegrityError, transaction

from aws_api.core.context import Context
from aws_api.core.errors import ValidationException
from aws_api.core.tags import tags_from_list
from aws_api.services.ssm import protection
from aws_api.services.ssm.access import on_parameter, on_parameters
from aws_api.services.ssm.models import Parameter, ParameterVersion
from aws_api.services.ssm.names import Selection, check_new_name, parse_selection
from aws_api.services.ssm.parameters import parameter_row
from aws_api.services.ssm.service import ssm
from aws_api.services.ssm.shapes import (
    DeleteParameterRequest,
    DeleteParameterResult,
    DeleteParametersRequest,
    DeleteParametersResult,
    ParameterAlreadyExists,
    ParameterMaxVersionLimitExceeded,
    PutParameterRequest,
    PutParameterResult,
)
from aws_api.services.ssm.tagging import check_tags
from aws_api.services.ssm.values import check_value, choose_tier, parse_policies

MAX_VERSIONS = 100


@ssm.operation(access=on_parameter("ssm:PutParameter"))
def put_parameter(context: Context, request: PutParameterRequest) -> PutParameterResult:
    """Make a parameter, or with Overwrite a new version of one.

    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
    """
    selection = parse_selection(context, request["Name"])
    _check_selection(selection)
    if request.get("Tags") and request.get("Overwrite"):
        raise ValidationException(
            "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please "
            "remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or "
            "RemoveTagsFromResource."
        )
    parameter = _existing(context, selection)
    if parameter is None:
        parameter = _make(context, selection.name, request)
    elif not request.get("Overwrite"):
        raise _already_exists()
    previous = parameter.versions.filter(version=parameter.latest_version).first()
    version = _new_version(context, parameter, previous, request)
    _forget_oldest(parameter)
    version.save(force_insert=True)
    parameter.latest_version = version.version
    parameter.save(update_fields=["latest_version"])
    return {"Version": version.version, "Tier": version.tier}  # type: ignore[typeddict-item]


@ssm.operation(access=on_parameter("ssm:DeleteParameter"))
def delete_parameter(context: Context, request: DeleteParameterRequest) -> DeleteParameterResult:
    """Delete a parameter with all of its versions."""
    parameter_row(context, request["Name"], lock=True).delete()
    return {}


@ssm.operation(access=on_parameters("ssm:DeleteParameters"))
def delete_parameters(context: Context, request: DeleteParametersRequest) -> DeleteParametersResult:
    """Delete up to ten parameters; the names of those that are not there apart."""
    names = request["Names"]
    rows = Parameter.objects.filter(account_id=context.account_id, region=context.region, name__in=names)
    # In one order everywhere, so that two such calls do not lock each other out.
    deleted = {row.name: row for row in rows.select_for_update().order_by("name")}
    for row in deleted.values():
        row.delete()
    return {
        "DeletedParameters": [name for name in names if name in deleted],
        "InvalidParameters": [name for name in names if name not in deleted],
    }


def _check_selection(selection: Selection) -> None:
    if selection.selector:
        raise ValidationException(
            "Parameter name: can only contain letters, numbers and the following symbols .-_/: a version or label "
            "cannot be put"
        )


def _existing(context: Context, selection: Selection) -> Parameter | None:
    names = [name for name in (selection.name, selection.alternative) if name is not None]
    rows = Parameter.objects.select_for_update()
    found = rows.filter(account_id=context.account_id, region=context.region, name__in=names)
    return found.order_by("-name").first()


def _make(context: Context, name: str, request: PutParameterRequest) -> Parameter:
    check_new_name(context, name)
    if "Type" not in request:
        raise ValidationException("A parameter type is required when you create a parameter.")
    parameter = Parameter(
        account_id=context.account_id,
        region=context.region,
        name=name,
        tags=check_tags({}, tags_from_list(request.get("Tags"))),
        created_at=context.clock.now(),
    )
    try:
        with transaction.atomic():
            parameter.save(force_insert=True)
    except IntegrityError:
        # Another request was quicker.
        raise _already_exists() from None
    return parameter


def _new_version(
    context: Context, parameter: Parameter, previous: ParameterVersion | None, request: PutParameterRequest
) -> ParameterVersion:
    """The next version; what the request leaves out stays as it was, but for the policies."""
    kind = request.get("Type") or (previous.type if previous else "")
    value = request["Value"]
    if not value:
        raise ValidationException("Value for parameter must not be empty.")
    is_secure = kind == ParameterVersion.Type.SECURE_STRING
    if "KeyId" in request and not is_secure:
        raise ValidationException("KeyId is only for parameters of type SecureString.")
    allowed_pattern = request.get("AllowedPattern", previous.allowed_pattern if previous else "")
    data_type = request.get("DataType") or (previous.data_type if previous else "text")
    policies = parse_policies(request.get("Policies"))
    check_value(value, data_type=data_type, allowed_pattern=allowed_pattern)
    version = ParameterVersion(
        parameter=parameter,
        version=parameter.latest_version + 1,
        type=kind,
        value=value,
        tier=choose_tier(request.get("Tier"), value, policies, previous.tier if previous else None),
        data_type=data_type,
        description=request.get("Description", previous.description if previous else ""),
        allowed_pattern=allowed_pattern,
        policies=policies,
        modified_at=context.clock.now(),
        modified_by=context.principal.arn,
    )
    if is_secure:
        version.key_id = request.get("KeyId") or (previous.key_id if previous else "") or protection.DEFAULT_KEY_ID
        protected = protection.encrypt(context, parameter.arn, version.key_id, version.tier, value)
        version.value = protected.value
        version.has_managed_key = protected.has_managed_key
    return version


def _forget_oldest(parameter: Parameter) -> None:
    """Make room for a new version where the parameter has as many as it may have."""
    versions = parameter.versions.order_by("version")
    if versions.count() < MAX_VERSIONS:
        return
    oldest = versions.first()
    assert oldest is not None
    if oldest.labels:
        raise ParameterMaxVersionLimitExceeded(
            f"You attempted to create a new version of {parameter.name} by calling the PutParameter API with the "
            f"overwrite flag. Version {oldest.version}, the oldest version, can't be deleted because it has a label "
            "associated with it. Move the label to another version of the parameter, and try again."
        )
    oldest.delete()


def _already_exists() -> ParameterAlreadyExists:
    return ParameterAlreadyExists(
        "The parameter already exists. To overwrite this value, set the overwrite option in the request to true."
    )
