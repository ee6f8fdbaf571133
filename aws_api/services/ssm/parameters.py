"""Finding parameters: a request's selection through the store, rows for changes."""

from aws_api.core.context import Context
from aws_api.services.ssm import describe, protection
from aws_api.services.ssm.errors import parameter_not_found, version_not_found
from aws_api.services.ssm.models import Parameter, ParameterVersion
from aws_api.services.ssm.names import Selection, parse_selection
from aws_api.services.ssm.public_parameters import PREFIX, find_public
from aws_api.services.ssm.shapes import Parameter as ParameterShape
from aws_api.services.ssm.store import FoundVersion, parameter_store


async def read_parameter(context: Context, text: str, *, with_decryption: bool) -> ParameterShape:
    """The parameter that a request names, as GetParameter answers it.

    Raises ParameterNotFound, ParameterVersionNotFound, and InvalidKeyId where its key cannot be used.
    """
    selection = parse_selection(context, text)
    version = await _find(context, selection)
    return describe.parameter(
        version, await readable_value(context, version, with_decryption=with_decryption), selection.selector
    )


async def readable_value(context: Context, version: FoundVersion, *, with_decryption: bool) -> str:
    """A version's value: decrypted where asked for; of a SecureString the ciphertext where not."""
    if with_decryption and version.type == ParameterVersion.Type.SECURE_STRING:
        return await protection.decrypt(context, version)
    return version.value


def parameter_row(context: Context, text: str, *, lock: bool = False) -> Parameter:
    """The row of the parameter that a request names. Raises ParameterNotFound."""
    selection = parse_selection(context, text)
    rows = Parameter.objects.select_for_update() if lock else Parameter.objects.all()
    rows = rows.filter(account_id=context.account_id, region=context.region)
    row = rows.filter(name=selection.name).first()
    if row is None and selection.alternative is not None:
        row = rows.filter(name=selection.alternative).first()
    if row is None:
        raise parameter_not_found(text)
    return row


async def _find(context: Context, selection: Selection) -> FoundVersion:
    if selection.name.startswith(PREFIX):
        public = find_public(context.region, selection.name)
        if public is None:
            raise parameter_not_found(selection.name)
        if selection.label is not None or selection.version not in (None, public.version):
            raise version_not_found(selection)
        return public
    found = await parameter_store().get(context, selection)
    if found is None and selection.alternative is not None:
        other = Selection(name=selection.alternative, version=selection.version, label=selection.label)
        found = await parameter_store().get(context, other)
    if found is None:
        raise parameter_not_found(selection.name)
    if found.version is None:
        raise version_not_found(selection)
    return found.version
