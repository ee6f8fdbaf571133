from django.apps import AppConfig


class WorkersConfig(AppConfig):
    name = "workers"

    def ready(self) -> None:
        # Imported for its signal: it begins when a worker is ready.
        from workers import telling  # noqa: F401
