"""Users of an OpenID provider: known by their e-mail address, with a role for beginners in every account."""

from typing import Any

from django.conf import settings
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from console.models import EVERY_ACCOUNT, Membership, Role


class OpenIdBackend(OIDCAuthenticationBackend):  # type: ignore[misc]
    """Makes a user at the first login. SIMFRA_OIDC_ROLE says what strangers may do; empty: nothing at first."""

    def create_user(self, claims: dict[str, Any]) -> Any:
        user = self.UserModel.objects.create_user(claims["email"].lower(), email=claims["email"])
        if settings.SIMFRA_OIDC_ROLE:
            Membership.objects.create(user=user, of_account=EVERY_ACCOUNT, role=Role(settings.SIMFRA_OIDC_ROLE))
        return user
