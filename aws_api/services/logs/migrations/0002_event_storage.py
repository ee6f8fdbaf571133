from django.db import migrations

# Every upload updates its stream's row; none of the columns it sets is unique, but last_event_ms is indexed.
_SETTINGS = """
    ALTER TABLE logs_logstream SET (autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_cost_delay = 0);
    ALTER TABLE logs_logevent SET (autovacuum_vacuum_insert_scale_factor = 0.5);
"""
_DEFAULTS = """
    ALTER TABLE logs_logstream RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_cost_delay);
    ALTER TABLE logs_logevent RESET (autovacuum_vacuum_insert_scale_factor);
"""


class Migration(migrations.Migration):
    dependencies = [("logs", "0001_initial")]

    operations = [migrations.RunSQL(_SETTINGS, _DEFAULTS)]
