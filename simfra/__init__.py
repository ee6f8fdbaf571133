"""The Django project. It wires the packages together; nobody imports it."""

from simfra.celery import app as celery_app

__all__ = ["celery_app"]
