"""`manage.py down` and `manage.py reset`: leave nothing running, leave nothing at all."""

import os
import shutil
import sys

from rich.markup import escape

from simfra.stack.engine import EngineError, find_engine
from simfra.stack.instance import Instance, this_instance
from simfra.stack.running import Running
from simfra.stack.steps import Steps


def down() -> int:
    """Stop a running control plane, then remove every container and network of this instance."""
    return _down(this_instance(), Steps())


def reset(ask: bool) -> int:
    """Down, and wipe the instance's state: its files, its databases, its secrets."""
    instance = this_instance()
    steps = Steps()
    if ask and sys.stdin.isatty():
        answer = input(f"Delete everything in {instance.data_dir}? [y/N] ")
        if answer.strip().lower() not in ("y", "yes"):
            return 1
    status = _down(instance, steps, with_shared_volumes=True)
    if status:
        return status
    if instance.external_database:
        with steps.step("Emptying the external database"):
            _empty_external_database(instance)
    with steps.step("Deleting the state") as step:
        instance.servers().remove()
        shutil.rmtree(instance.data_dir)
        step.result = f"[dim]{instance.data_dir}[/dim]"
    return 0


def _down(instance: Instance, steps: Steps, *, with_shared_volumes: bool = False) -> int:
    if Running(instance.data_dir).pid() is not None:
        with steps.step("Stopping the control plane"):
            Running(instance.data_dir).stop()
    try:
        os.environ["DOCKER_HOST"] = find_engine().address
    except EngineError as error:
        steps.say(f"[yellow]{escape(str(error))}; containers of this instance, if there are any, stay.[/yellow]")
        return 0
    with steps.step("Removing containers and networks") as step:
        from workers.docker.cleanup import remove_all

        step.result = f"[dim]{remove_all(instance.name, with_shared_volumes=with_shared_volumes)}[/dim]"
    return 0


def _empty_external_database(instance: Instance) -> None:
    os.environ.update(instance.environment())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "simfra.settings")
    import django
    from django.core.management import call_command

    django.setup()
    call_command("flush", interactive=False, verbosity=0)
