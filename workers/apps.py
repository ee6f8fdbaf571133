from django.apps import AppConfig

from aws_api.core.pull_reports import register_pull_reader


class WorkersConfig(AppConfig):
    name = "workers"

    def ready(self) -> None:
        # Imported for its signal: it begins when a worker is ready.
        from workers import telling  # noqa: F401
        from workers.pulls import reports

        register_pull_reader(reports)
