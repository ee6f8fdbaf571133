from django.apps import AppConfig

from aws_api.core.inventory import register_inventory
from aws_api.core.pull_reports import register_pull_reader
from aws_api.core.terminals import register_terminals


class WorkersConfig(AppConfig):
    name = "workers"

    def ready(self) -> None:
        # Imported for its signal: it begins when a worker is ready.
        from workers import telling  # noqa: F401
        from workers.inventory import take_inventory
        from workers.pulls import reports
        from workers.terminals import end_program, open_terminal

        register_inventory(take_inventory)
        register_pull_reader(reports)
        register_terminals(open_terminal, end_program)
