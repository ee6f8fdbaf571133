"""``manage.py bootstrap DIRECTORY``: what a Terraform configuration, or a list of AWS calls, makes in an account."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from aws_api.core.accounts import root_keys
from console.bootstrap import MAX_CALLS, CallFailed, make_calls

PROGRAMS = ("terraform", "tofu")
MAX_RUN_S = 3600


class Command(BaseCommand):
    """Runs ``terraform init`` and ``terraform apply`` in a directory, against this Simfra; or makes a file's calls."""

    help = "Make what a Terraform directory, or a JSON file of AWS calls, describes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, help="a directory with *.tf, or a file of calls (docs/testing.md)")
        parser.add_argument("--account", default=settings.SIMFRA_DEFAULT_ACCOUNT_ID, help="whose it becomes")
        parser.add_argument("--region", default=settings.SIMFRA_DEFAULT_REGION)
        parser.add_argument("--plugin-dir", help="where Terraform's providers are, instead of its registry")

    def handle(self, *_: Any, **options: Any) -> None:
        path: Path = options["path"]
        if path.is_file():
            self._make_calls(path, options["account"], options["region"])
        elif any(path.glob("*.tf")):
            self._apply(path, options)
        else:
            raise CommandError(f"{path} is neither a directory with *.tf files nor a file of calls.")

    def _make_calls(self, path: Path, account_id: str, region: str) -> None:
        try:
            calls = json.loads(path.read_text())
        except ValueError as error:
            raise CommandError(f"{path} is no JSON: {error}") from error
        if not isinstance(calls, list) or len(calls) > MAX_CALLS or not all(map(_is_call, calls)):
            raise CommandError(f"{path} is no list of at most {MAX_CALLS} calls with service and operation.")
        root_keys(account_id)  # The account is there from now on.
        try:
            results = make_calls(account_id, region, [{"parameters": {}, **call} for call in calls])
        except CallFailed as failure:
            raise CommandError(str(failure)) from failure
        self.stdout.write(f"{len(results)} calls made.")

    def _apply(self, path: Path, options: dict[str, Any]) -> None:
        program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
        if program is None:
            raise CommandError(f"This needs {' or '.join(PROGRAMS)}, and neither is installed.")
        keys = root_keys(options["account"])
        environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": settings.SIMFRA_ENDPOINT,
            "AWS_ACCESS_KEY_ID": keys.access_key_id,
            "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
            "AWS_REGION": options["region"],
            "AWS_DEFAULT_REGION": options["region"],
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
        }
        plugins = [f"-plugin-dir={options['plugin_dir']}"] if options["plugin_dir"] else []
        for arguments in (["init", *plugins], ["apply", "-auto-approve"]):
            try:
                done = subprocess.run([program, *arguments], cwd=path, env=environment, timeout=MAX_RUN_S, check=False)
            except subprocess.TimeoutExpired as error:
                raise CommandError(f"{Path(program).name} {arguments[0]} took more than {MAX_RUN_S} s.") from error
            if done.returncode != 0:
                raise CommandError(f"{Path(program).name} {arguments[0]} failed; what it said is above.")


def _is_call(call: Any) -> bool:
    return isinstance(call, dict) and isinstance(call.get("service"), str) and isinstance(call.get("operation"), str)
