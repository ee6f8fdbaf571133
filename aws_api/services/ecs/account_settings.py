"""Account settings: what they may be, what holds where nobody has said anything, and what holds for an account.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-account-settings.html
"""

from collections.abc import Mapping

from aws_api.services.ecs.models import AccountSetting

_SWITCH = ("enabled", "disabled")
#: Each setting's possible values; the first is what holds where nobody has said anything.
VALUES: Mapping[str, tuple[str, ...]] = {
    "awsvpcTrunking": ("disabled", "enabled"),
    "containerInsights": ("disabled", "enabled", "enhanced"),
    "containerInstanceLongArnFormat": _SWITCH,
    "defaultLogDriverMode": ("non-blocking", "blocking"),
    "fargateEventWindows": ("disabled", "enabled"),
    "fargateFIPSMode": ("disabled", "enabled"),
    "fargateTaskRetirementWaitPeriod": ("7", "0", "14"),
    "guardDutyActivate": ("off", "on"),
    "serviceLongArnFormat": _SWITCH,
    "tagResourceAuthorization": ("on", "off"),
    "taskLongArnFormat": _SWITCH,
}
#: Whose a setting is that holds for every principal of an account without one of its own.
EVERYBODY = ""


def setting_of_account(account_id: str, region: str, name: str) -> str:
    """What a setting is for an account."""
    rows = AccountSetting.objects.filter(
        account_id=account_id, region=region, principal_arn=EVERYBODY, name=name
    ).values_list("value", flat=True)
    return rows.first() or VALUES[name][0]
