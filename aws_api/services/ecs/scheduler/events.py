"""Writing a service's events."""

from datetime import datetime, timedelta

from aws_api.core.ids import new_uuid
from aws_api.services.ecs.models import Service, ServiceEvent
from aws_api.services.ecs.scheduler import event_messages

MAX_KEPT = 100
#: A message whose cause goes on is told again after this time.
TOLD_AGAIN_AFTER = timedelta(hours=6)


def tell(service: Service, message: str, now: datetime) -> None:
    """Add an event, and forget the oldest beyond a hundred."""
    ServiceEvent.objects.create(service=service, event_id=new_uuid(), message=message, created_at=now)
    old = ServiceEvent.objects.filter(service=service).order_by("-pk").values_list("pk", flat=True)[MAX_KEPT:]
    ServiceEvent.objects.filter(pk__in=list(old)).delete()


def tell_once(service: Service, message: str, now: datetime) -> None:
    """Add an event, unless the same was told lately and its cause goes on: no steady state came in between."""
    events = ServiceEvent.objects.filter(service=service)
    settled = events.filter(message=event_messages.steady(service.name)).order_by("-pk").values_list("pk", flat=True)
    last = settled.first() or 0
    if not events.filter(message=message, created_at__gt=now - TOLD_AGAIN_AFTER, pk__gt=last).exists():
        tell(service, message, now)
