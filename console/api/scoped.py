"""The account and region that a request of the admin API is about."""

from typing import Any

from django.conf import settings
from django.core.validators import RegexValidator
from rest_framework import serializers

REGION = r"^[a-z]{2}(-[a-z]+)+-\d$"


class AccountIdField(serializers.CharField):
    """An account's id."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=12, validators=[RegexValidator(r"\A\d{12}\Z", "12 digits.")], **options)


class Scoped(serializers.Serializer[Any]):
    """What is about an account and a region, the default ones where nothing is said."""

    accountId = AccountIdField(required=False, help_text="The default account where it is not given.")
    region = serializers.RegexField(REGION, required=False, help_text="The default region where it is not given.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Fill in the defaults."""
        defaults = {"accountId": settings.SIMFRA_DEFAULT_ACCOUNT_ID, "region": settings.SIMFRA_DEFAULT_REGION}
        return {**defaults, **attrs}
