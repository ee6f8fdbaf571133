from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sqs", "0002_message_storage"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="message",
            name="sqs_message_group",
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("deduplication_id__isnull", False)),
                fields=["queue_id", "group_id", "visible_at_ms"],
                name="sqs_message_held",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("deduplication_id__isnull", False)),
                fields=["queue_id", "id"],
                name="sqs_message_order",
            ),
        ),
    ]
