"""Logging in and out, with a password or at an OpenID provider."""

from typing import Any

from django.conf import settings
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path


class Login(LoginView):
    """The login form; django-axes locks an address out of a name after some failures."""

    template_name = "console/login.html"
    next_page = "/"

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(**context, has_provider=bool(settings.OIDC_RP_CLIENT_ID))


urlpatterns: list[Any] = [
    path("login", Login.as_view(), name="login"),
    path("logout", LogoutView.as_view(next_page="/login"), name="logout"),
]
if settings.OIDC_RP_CLIENT_ID:
    urlpatterns.append(path("oidc/", include("mozilla_django_oidc.urls")))
