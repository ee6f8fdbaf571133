"""`manage.py user NAME --role admin`: make the first user of a shared server, or give one a role or a password."""

import getpass
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model, password_validation
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from console.models import EVERY_ACCOUNT, Membership, Role


class Command(BaseCommand):
    """Asks for the password, or reads it from standard input with --password-stdin."""

    help = "Make a user of the console, or give one another role or password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--role", choices=Role.values, default=Role.OPERATOR.value)
        parser.add_argument("--account", default=EVERY_ACCOUNT, help="12 digits; without it: every account")
        parser.add_argument("--password-stdin", action="store_true")

    def handle(self, *_: Any, **given: Any) -> None:
        password = input() if given["password_stdin"] else getpass.getpass(f"Password of {given['name']}: ")
        try:
            password_validation.validate_password(password)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        user = get_user_model().objects.get_or_create(username=given["name"])[0]
        user.set_password(password)
        user.save()
        Membership.objects.update_or_create(user=user, of_account=given["account"], defaults={"role": given["role"]})
        self.stdout.write(f"{given['name']} is {given['role']} of {given['account']}.")
