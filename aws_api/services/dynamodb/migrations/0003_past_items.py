from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("dynamodb", "0002_streams_transactions_backups"),
    ]

    operations = [
        migrations.CreateModel(
            name="PastItem",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("table_id", models.BigIntegerField()),
                ("hash", models.BinaryField()),
                ("range", models.BinaryField()),
                ("until", models.DateTimeField()),
                ("item", models.BinaryField(null=True)),
                ("size", models.IntegerField(null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["table_id", "until"], name="dynamodb_past_until")],
            },
        ),
    ]
