"""Health checks that fail on purpose: told to the load balancers, which count them as they count any."""

from django.db import transaction

from aws_api.core.target_checks import register_check_failer
from aws_api.services.elbv2.changes import targets_changed
from aws_api.services.elbv2.models import Target, TargetGroup


@register_check_failer
def fail_checks_at(account_id: str, region: str, address: str, fails: bool) -> None:
    """Let the checks of an address fail, or no longer."""
    targets = Target.objects.filter(group__account_id=account_id, group__region=region, address=address)
    for group_id in sorted(set(targets.exclude(fails_checks=fails).values_list("group_id", flat=True))):
        with transaction.atomic():
            group = TargetGroup.objects.select_for_update().get(pk=group_id)
            group.targets.filter(address=address).update(fails_checks=fails)
            targets_changed(group)
