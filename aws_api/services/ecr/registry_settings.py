"""What an account has set for its registry, read and written a member at a time."""

from typing import Any

from aws_api.core.context import Context
from aws_api.services.ecr.models import RegistrySettings

#: The member that has the settings of PutAccountSetting, by name.
ACCOUNT_SETTINGS = "accountSettings"


def registry_setting(account_id: str, region: str, member: str, default: Any = None) -> Any:
    """A member of an account's settings, or what holds where it set none."""
    row = RegistrySettings.objects.filter(account_id=account_id, region=region).first()
    return row.document.get(member, default) if row else default


def may_mount(account_id: str, region: str) -> bool:
    """Whether a push may take layers from another repository."""
    return account_settings(account_id, region).get("BLOB_MOUNTING") != "DISABLED"


def account_settings(account_id: str, region: str) -> dict[str, str]:
    """The account's settings that were written, by name."""
    return dict(registry_setting(account_id, region, ACCOUNT_SETTINGS, {}))


def set_registry_setting(context: Context, member: str, value: Any) -> None:
    """Write one member; None takes it away."""
    place = {"account_id": context.account_id, "region": context.region}
    RegistrySettings.objects.get_or_create(**place, defaults={"created_at": context.clock.now()})
    # The row's lock: two members written at once are both kept.
    row = RegistrySettings.objects.select_for_update().get(**place)
    kept = {name: kept for name, kept in row.document.items() if name != member}
    row.document = kept if value is None else {**kept, member: value}
    row.save(update_fields=["document"])
