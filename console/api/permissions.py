"""Who may use the admin API."""

from django.conf import settings
from django.utils.crypto import constant_time_compare
from rest_framework.permissions import BasePermission
from rest_framework.request import Request


class HasAdminToken(BasePermission):
    """``Authorization: Bearer $SIMFRA_ADMIN_TOKEN``; without a configured token the API is open."""

    message = "Send the header Authorization: Bearer with the value of SIMFRA_ADMIN_TOKEN."

    def has_permission(self, request: Request, _view: object) -> bool:
        token = settings.SIMFRA_ADMIN_TOKEN
        if not token:
            return True
        return constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {token}")
