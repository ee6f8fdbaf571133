"""Access logs: files below the data directory, named as the objects that AWS puts into the bucket.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
"""

from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.services.elbv2.models import LoadBalancer

#: The folder of the data directory in which each bucket is a folder.
FOLDER = "access-logs"
_MINUTES_A_FILE = 5


def append_entries(row: LoadBalancer, entries: Sequence[str]) -> None:
    """Add entries to the file of these five minutes."""
    bucket = row.attributes.get("access_logs.s3.bucket", "")
    if not entries or not bucket or "/" in bucket or ".." in bucket:
        return
    path = _path(row, bucket)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.writelines(f"{entry}\n" for entry in entries)


def _path(row: LoadBalancer, bucket: str) -> Path:
    now = SYSTEM_CLOCK.now()
    end = now.replace(minute=now.minute - now.minute % _MINUTES_A_FILE, second=0, microsecond=0)
    kind = "app" if row.type == "application" else "net"
    name = (
        f"{row.account_id}_elasticloadbalancing_{row.region}_{kind}.{row.name}.{row.resource_id}_{end:%Y%m%dT%H%MZ}.log"
    )
    prefix = [part for part in row.attributes.get("access_logs.s3.prefix", "").split("/") if part not in ("", "..")]
    folder = Path(settings.SIMFRA_DATA_DIR, FOLDER, bucket, *prefix, "AWSLogs", row.account_id)
    return folder / "elasticloadbalancing" / row.region / f"{now:%Y/%m/%d}" / name
