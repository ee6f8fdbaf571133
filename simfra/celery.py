"""The Celery application and its beat schedule."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "simfra.settings")

app = Celery("simfra")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["workers"], related_name="jobs")
app.conf.beat_schedule = {
    # Catches what the Docker event stream and lost kicks missed.
    "sweep": {"task": "workers.sweep", "schedule": 5.0, "options": {"expires": 5}},
    "collect-garbage": {"task": "workers.collect_garbage", "schedule": 30.0, "options": {"expires": 30}},
}
