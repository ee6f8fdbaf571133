from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0002_host_ports"),
    ]

    operations = [
        migrations.CreateModel(
            name="PortForward",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("forward_id", models.CharField(max_length=32, unique=True)),
                ("account_id", models.CharField(max_length=12)),
                ("region", models.CharField(max_length=32)),
                ("target_arn", models.CharField(max_length=512)),
                ("target_port", models.PositiveIntegerField()),
                ("protocol", models.CharField(max_length=3)),
                ("wanted_port", models.PositiveIntegerField(blank=True, null=True)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["account_id", "region"], name="port_forwards_of_account")],
            },
        ),
    ]
