"""`manage.py test`: pytest, with what the tests need installed and an engine to run tasks on where there is one."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape

from simfra.stack import images, javascript, provision
from simfra.stack.engine import EngineError, find_engine
from simfra.stack.steps import Steps

PROJECT = Path(__file__).resolve().parent.parent.parent


def test(may_provision: bool, arguments: Sequence[str]) -> int:
    """Prepare the machine, then become pytest."""
    steps = Steps()
    if may_provision:
        provision.engine(steps)
        try:
            # After the engine: where its package brings the docker command, none has to be added.
            provision.packages(steps, provision.TEST_PACKAGES)
        except provision.ProvisionError as error:
            steps.say(f"[yellow]{escape(str(error))}[/yellow]")
    try:
        javascript.ensure_packages(PROJECT, steps)
    except javascript.JavaScriptError as error:
        steps.say(f"[yellow]{escape(str(error))}[/yellow]")
    try:
        engine = find_engine()
        os.environ["SIMFRA_SIDECAR_IMAGE"] = images.ensure_sidecar(engine, steps, may_provision)
        # What tests build images of their own on, where no registry can be reached.
        os.environ["SIMFRA_TEST_BASE_IMAGE"] = images.ensure_base(engine, images.wanted_base(), steps, may_provision)
        os.environ["DOCKER_HOST"] = engine.address
    except (EngineError, images.ImageError, provision.ProvisionError) as error:
        steps.say(f"[yellow]Tests that need Docker will be skipped: {escape(str(error))}[/yellow]")
    os.chdir(PROJECT)
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *arguments])
