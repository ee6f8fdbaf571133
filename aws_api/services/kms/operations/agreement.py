"""DeriveSharedSecret. https://docs.aws.amazon.com/kms/latest/APIReference/API_DeriveSharedSecret.html"""

from aws_api.core.context import Context
from aws_api.core.errors import ValidationException
from aws_api.services.kms import asymmetric
from aws_api.services.kms.access import on_key
from aws_api.services.kms.key_specs import KEY_AGREEMENT
from aws_api.services.kms.keys import check_algorithm, find_key
from aws_api.services.kms.requests import end_dry_run, refuse_enclaves
from aws_api.services.kms.service import kms
from aws_api.services.kms.shapes import DeriveSharedSecretRequest, DeriveSharedSecretResponse


@kms.operation(access=on_key("kms:DeriveSharedSecret"))
async def derive_shared_secret(context: Context, request: DeriveSharedSecretRequest) -> DeriveSharedSecretResponse:
    """The raw secret that the key and a peer's public key have in common."""
    refuse_enclaves(request)
    key = await find_key(context, request["KeyId"], operation="DeriveSharedSecret", usage=KEY_AGREEMENT)
    algorithm = request["KeyAgreementAlgorithm"]
    check_algorithm(key, algorithm)
    try:
        secret = asymmetric.derive_shared_secret(key.material, request["PublicKey"])
    except asymmetric.Unusable as error:
        raise ValidationException(str(error)) from error
    end_dry_run(request)
    return {
        "KeyId": key.arn,
        "SharedSecret": secret,
        "KeyAgreementAlgorithm": algorithm,
        "KeyOrigin": "AWS_KMS",
    }
