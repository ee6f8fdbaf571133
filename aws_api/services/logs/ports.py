"""What CloudWatch Logs plugs into the core."""

from aws_api.core.housekeeping import register_chore
from aws_api.services.logs.chores import delete_expired

register_chore(delete_expired)
