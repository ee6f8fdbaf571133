"""Random passwords. https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html"""

import secrets
import string

from aws_api.services.secretsmanager.shapes import GetRandomPasswordRequest, InvalidParameterException

DEFAULT_LENGTH = 32
_RANDOM = secrets.SystemRandom()


def random_password(request: GetRandomPasswordRequest) -> str:
    """A password as asked for. Raises InvalidParameterException where nothing is left to make it from."""
    length = request.get("PasswordLength") or DEFAULT_LENGTH
    excluded = set(request.get("ExcludeCharacters") or "")
    kinds = [
        "".join(character for character in kind if character not in excluded)
        for kind, is_excluded in (
            (string.ascii_lowercase, request.get("ExcludeLowercase")),
            (string.ascii_uppercase, request.get("ExcludeUppercase")),
            (string.digits, request.get("ExcludeNumbers")),
            (string.punctuation, request.get("ExcludePunctuation")),
            (" ", not request.get("IncludeSpace")),
        )
        if not is_excluded
    ]
    kinds = [kind for kind in kinds if kind]
    if not kinds:
        raise InvalidParameterException("There are no characters left to make a password of.")
    required: list[str] = []
    if request.get("RequireEachIncludedType", True):
        if length < len(kinds):
            raise InvalidParameterException(
                "Password length is too short based on the required types, so this request can't be fulfilled."
            )
        required = [_RANDOM.choice(kind) for kind in kinds]
    characters = required + _RANDOM.choices("".join(kinds), k=length - len(required))
    _RANDOM.shuffle(characters)
    return "".join(characters)
