"""People: users with their roles, tokens of programs, and what was changed lately. For administrators."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.auth import get_user_model, password_validation
from django.core.validators import RegexValidator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.views.decorators.http import require_POST, require_safe

from aws_api.core.clock import SYSTEM_CLOCK
from console.access import make_token
from console.models import EVERY_ACCOUNT, ApiToken, AuditEntry, Membership, Role
from console.navigation import Group, Link

AUDIT_ENTRIES = 100
MAX_TOKEN_DAYS = 366


class AccountField(forms.CharField):
    """An account's id, or ``*`` for every account."""

    def __init__(self) -> None:
        validator = RegexValidator(r"\A(\*|\d{12})\Z", "Give the 12 digits of an account, or * for all.")
        super().__init__(label="Account", initial=EVERY_ACCOUNT, max_length=12, validators=[validator])


class UserForm(forms.Form):
    """A new user, or another role of one."""

    name = forms.CharField(max_length=150)
    password = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        required=False,
        help_text="Empty: a user of the OpenID provider, or the password that there is.",
    )
    account = AccountField()
    role = forms.ChoiceField(choices=Role.choices)

    def clean_password(self) -> str:
        """As strong as Django asks for."""
        password = str(self.cleaned_data["password"])
        if password:
            password_validation.validate_password(password)
        return password


class TokenForm(forms.Form):
    """A new token."""

    name = forms.CharField(max_length=128)
    account = AccountField()
    role = forms.ChoiceField(choices=Role.choices)
    days = forms.IntegerField(min_value=1, max_value=MAX_TOKEN_DAYS, initial=90)


@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """Everybody who may do something, and what they did."""
    return _page(request)


@require_POST
def save_user(request: HttpRequest) -> HttpResponse:
    """Make a user, or set a role and a password of one."""
    form = UserForm(request.POST)
    if not form.is_valid():
        return _page(request, user_form=form, status=400)
    wanted = form.cleaned_data
    with transaction.atomic():
        user, _ = get_user_model().objects.get_or_create(username=wanted["name"])
        if wanted["password"]:
            user.set_password(wanted["password"])
            user.save()
        Membership.objects.update_or_create(user=user, of_account=wanted["account"], defaults={"role": wanted["role"]})
    return redirect("people")


@require_POST
def delete_user(request: HttpRequest, user_id: int) -> HttpResponse:
    """Delete a user with all roles and sessions' rights."""
    get_object_or_404(get_user_model(), pk=user_id).delete()
    return redirect("people")


@require_POST
def save_token(request: HttpRequest) -> HttpResponse:
    """Make a token and show it: once."""
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _page(request, token_form=form, status=400)
    wanted = form.cleaned_data
    _, secret = make_token(
        name=wanted["name"],
        account_id=wanted["account"],
        role=Role(wanted["role"]),
        made_by=request.access.name,  # type: ignore[attr-defined]
        expires_at=SYSTEM_CLOCK.now() + timedelta(days=wanted["days"]),
    )
    return _page(request, secret=secret)


@require_POST
def delete_token(_request: HttpRequest, token_id: int) -> HttpResponse:
    """End a token at once."""
    get_object_or_404(ApiToken, pk=token_id).delete()
    return redirect("people")


def _page(request: HttpRequest, *, status: int = 200, **context: Any) -> HttpResponse:
    shown = {
        "users": get_user_model().objects.prefetch_related("memberships").order_by("username"),
        "tokens": ApiToken.objects.order_by("name", "pk"),
        "entries": AuditEntry.objects.order_by("-pk")[:AUDIT_ENTRIES],
        "user_form": UserForm(),
        "token_form": TokenForm(),
        "now": SYSTEM_CLOCK.now(),
        **context,
    }
    return render(request, "console/people.html", shown, status=status)


urlpatterns = [
    path("people/", people, name="people"),
    path("people/users", save_user, name="save-user"),
    path("people/users/<int:user_id>/delete", delete_user, name="delete-user"),
    path("people/tokens", save_token, name="save-token"),
    path("people/tokens/<int:token_id>/delete", delete_token, name="delete-token"),
]
NAVIGATION = [Link(group=Group.SIMFRA, title="People", url_name="people", order=90)]
