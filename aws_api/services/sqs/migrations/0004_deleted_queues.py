from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sqs", "0003_fifo_order"),
    ]

    operations = [
        migrations.CreateModel(
            name="DeletedQueue",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "account_id", "region", "name", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("account_id", models.CharField(max_length=12)),
                ("region", models.CharField(max_length=32)),
                ("name", models.CharField(max_length=80)),
                ("deleted_at", models.DateTimeField()),
            ],
        ),
    ]
