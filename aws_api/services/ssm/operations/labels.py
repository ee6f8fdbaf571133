"""LabelParameterVersion, UnlabelParameterVersion.

https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-labels.html
"""

import re

from aws_api.core.context import Context
from aws_api.services.ssm.access import on_parameter
from aws_api.services.ssm.errors import version_not_found
from aws_api.services.ssm.models import Parameter, ParameterVersion
from aws_api.services.ssm.names import Selection
from aws_api.services.ssm.parameters import parameter_row
from aws_api.services.ssm.service import ssm
from aws_api.services.ssm.shapes import (
    LabelParameterVersionRequest,
    LabelParameterVersionResult,
    ParameterVersionLabelLimitExceeded,
    UnlabelParameterVersionRequest,
    UnlabelParameterVersionResult,
)

MAX_LABELS = 10
_LABEL = re.compile(r"(?!aws|ssm|[0-9])[a-zA-Z0-9_.\-]{1,100}\Z", re.IGNORECASE)


@ssm.operation(access=on_parameter("ssm:LabelParameterVersion"))
def label_parameter_version(context: Context, request: LabelParameterVersionRequest) -> LabelParameterVersionResult:
    """Put labels on a version; a label that is on another version of the parameter moves."""
    parameter = parameter_row(context, request["Name"], lock=True)
    version = _version(parameter, request.get("ParameterVersion") or parameter.latest_version)
    labels = [label for label in request["Labels"] if _LABEL.match(label)]
    invalid = [label for label in request["Labels"] if not _LABEL.match(label)]
    wanted = list(dict.fromkeys([*version.labels, *labels]))
    if len(wanted) > MAX_LABELS:
        raise ParameterVersionLabelLimitExceeded(
            f"A parameter version can have a maximum of {MAX_LABELS} labels. Move one or more labels to another "
            "version and try again."
        )
    for other in parameter.versions.exclude(version=version.version).exclude(labels=[]):
        kept = [label for label in other.labels if label not in labels]
        if kept != other.labels:
            other.labels = kept
            other.save(update_fields=["labels"])
    version.labels = wanted
    version.save(update_fields=["labels"])
    return {"InvalidLabels": invalid, "ParameterVersion": version.version}


@ssm.operation(access=on_parameter("ssm:UnlabelParameterVersion"))
def unlabel_parameter_version(
    context: Context, request: UnlabelParameterVersionRequest
) -> UnlabelParameterVersionResult:
    """Take labels off a version; those that are not on it are named."""
    parameter = parameter_row(context, request["Name"], lock=True)
    version = _version(parameter, request["ParameterVersion"])
    removed = [label for label in request["Labels"] if label in version.labels]
    version.labels = [label for label in version.labels if label not in removed]
    version.save(update_fields=["labels"])
    return {
        "RemovedLabels": removed,
        "InvalidLabels": [label for label in request["Labels"] if label not in removed],
    }


def _version(parameter: Parameter, number: int) -> ParameterVersion:
    version = parameter.versions.filter(version=number).first()
    if version is None:
        raise version_not_found(Selection(name=parameter.name, version=number))
    return version
