"""Terraform in a directory of its own, against a gateway: initialise, apply, plan, destroy.

Nothing is downloaded: the AWS provider comes from a plugin mirror, SIMFRA_TEST_TERRAFORM_PLUGINS or /opt/tf-plugins.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

PLUGIN_DIR = Path(os.environ.get("SIMFRA_TEST_TERRAFORM_PLUGINS", "/opt/tf-plugins"))
MAX_RUN_S = 300

_PROVIDER = """\
terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

provider "aws" {
  region                  = "us-east-1"
  skip_metadata_api_check = true
  s3_use_path_style       = true
  max_retries             = 2
}
"""

needs_terraform = pytest.mark.skipif(
    shutil.which("terraform") is None or not PLUGIN_DIR.is_dir(),
    reason=f"needs `terraform` and its AWS provider in {PLUGIN_DIR}",
)


class TerraformFailed(AssertionError):
    """A command of Terraform's ended with an error; the message is what it printed."""


class Terraform:
    """A working directory with a configuration, and the commands on it. Each raises TerraformFailed."""

    def __init__(self, directory: Path, *, endpoint: str, access_key_id: str, secret_access_key: str) -> None:
        self._directory = directory
        settings = directory / "terraform.rc"
        settings.touch()
        self._environment = {
            **os.environ,
            # Whatever the machine's user has configured, tests have an empty configuration.
            "TF_CLI_CONFIG_FILE": str(settings),
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": access_key_id,
            "AWS_SECRET_ACCESS_KEY": secret_access_key,
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
        }
        (directory / "provider.tf").write_text(_PROVIDER)

    def configure(self, configuration: str) -> None:
        """Replace the configuration of the resources."""
        (self._directory / "main.tf").write_text(configuration)

    def init(self) -> None:
        """Make the directory ready, with the provider of the mirror."""
        self._run("init", f"-plugin-dir={PLUGIN_DIR}")

    def apply(self, *, refresh: bool = True) -> None:
        """Make the resources as configured; without ``refresh``, from what Terraform saw last."""
        self._run("apply", "-auto-approve", f"-refresh={str(refresh).lower()}")

    def check_clean(self) -> None:
        """Raise TerraformFailed, with the plan, where a refresh and a plan would change anything now."""
        finished = self._start("plan", "-detailed-exitcode")
        if finished.returncode != 0:
            raise TerraformFailed(finished.stdout.partition("Terraform used")[2] + finished.stderr)

    def destroy(self, *, refresh: bool = True) -> None:
        """Take all of the resources away; without ``refresh``, those that Terraform saw last."""
        self._run("destroy", "-auto-approve", f"-refresh={str(refresh).lower()}")

    def outputs(self) -> dict[str, Any]:
        """The values of the configuration's outputs."""
        return {name: output["value"] for name, output in json.loads(self._run("output", "-json")).items()}

    def _run(self, *arguments: str) -> str:
        finished = self._start(*arguments)
        if finished.returncode != 0:
            raise TerraformFailed(finished.stdout + finished.stderr)
        return finished.stdout

    def _start(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["terraform", command, *([] if command == "output" else ["-no-color"]), *arguments],
            cwd=self._directory,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=MAX_RUN_S,
            check=False,
        )
