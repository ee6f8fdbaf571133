"""AWS's words for what is not there."""

from aws_api.services.ssm.names import Selection
from aws_api.services.ssm.shapes import ParameterNotFound, ParameterVersionNotFound


def parameter_not_found(name: str) -> ParameterNotFound:
    """There is no parameter of a name."""
    return ParameterNotFound(f"Parameter {name} not found.")


def version_not_found(selection: Selection) -> ParameterVersionNotFound:
    """The parameter has not the version or label that was selected."""
    what = f"label {selection.label}" if selection.label is not None else f"version {selection.version}"
    noun = what.split(" ", maxsplit=1)[0]
    return ParameterVersionNotFound(
        f"Systems Manager could not find {what} of {selection.name}. Verify the {noun} and try again."
    )
