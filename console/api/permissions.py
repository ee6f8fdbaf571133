"""Who may use the admin API."""

from django.conf import settings
from django.utils.crypto import constant_time_compare
from rest_framework.permissions import BasePermission
from rest_framework.request import Request


class HasAdminToken(BasePermission):
    """``Authorization: Bearer $SIMFRA_ADMIN_TOKEN``; without a configured token the API is open."""

    message = "Send the header Authorization: Bearer with the value of SIMFRA_ADMIN_TOKEN."

    def has_permission(self, request: Request, view: object) -> bool:
        token = settings.SIMFRA_ADMIN_TOKEN
        if not token:
            return True
        given = request.headers.get("Authorization", "")
        # Browsers' event sources send no headers.
        if not given and getattr(view, "takes_token_in_query", False):
            given = f"Bearer {request.query_params.get('token', '')}"
        return constant_time_compare(given, f"Bearer {token}")
