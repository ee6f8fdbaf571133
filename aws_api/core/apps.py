from importlib import import_module

from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "aws_api.core"
    label = "core"

    def ready(self) -> None:
        # The movable clock is one for all processes.
        import_module("aws_api.core.shared_clock")
