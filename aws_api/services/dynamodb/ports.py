"""DynamoDB's part in the ports of core: its chores, and its streams for the service that answers for them."""

from aws_api.core.housekeeping import register_chore
from aws_api.core.item_streams import register_item_streams
from aws_api.services.dynamodb.chores import CHORES
from aws_api.services.dynamodb.streams import StoredStreams

for chore in CHORES:
    register_chore(chore)
register_item_streams(StoredStreams())
