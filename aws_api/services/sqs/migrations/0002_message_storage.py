from django.db import migrations

# Every message is inserted, updated at each receive and deleted within seconds, so dead rows appear as fast as live
# ones. They are cleared early, often and without pauses; else receives would step over them at the head of the index.
# Statistics are renewed as often, so that cached plans do not outlive the size that they were made for. An update
# always moves a row (visible_at_ms is indexed), so room left on its page would gain nothing.
_SETTINGS = """
    ALTER TABLE sqs_message SET (
        autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_insert_scale_factor = 0.2, autovacuum_vacuum_cost_delay = 0,
        autovacuum_analyze_scale_factor = 0.05, autovacuum_analyze_threshold = 2000
    );
    ALTER TABLE sqs_deduplication SET (
        autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0
    );
"""
_DEFAULTS = """
    ALTER TABLE sqs_message RESET (
        autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_vacuum_insert_scale_factor,
        autovacuum_vacuum_cost_delay, autovacuum_analyze_scale_factor, autovacuum_analyze_threshold
    );
    ALTER TABLE sqs_deduplication RESET (
        autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_vacuum_cost_delay
    );
"""


class Migration(migrations.Migration):
    dependencies = [("sqs", "0001_initial")]

    operations = [migrations.RunSQL(_SETTINGS, _DEFAULTS)]
