from django.apps import AppConfig

from aws_api.core.pull_reports import register_pull_reader
from aws_api.core.terminals import register_terminals


class WorkersConfig(AppConfig):
    name = "workers"

    def ready(self) -> None:
        # Imported for its signal: it begins when a worker is ready.
        from workers import telling  # noqa: F401
        from workers.pulls import reports
        from workers.terminals import open_terminal

        register_pull_reader(reports)
        register_terminals(open_terminal)
