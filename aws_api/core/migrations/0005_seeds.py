from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0004_snapshots"),
    ]

    operations = [
        migrations.AddField(
            model_name="account",
            name="id_seed",
            field=models.CharField(blank=True, default="", max_length=64),
        ),
        migrations.AddField(
            model_name="account",
            name="id_calls",
            field=models.BigIntegerField(default=0),
        ),
    ]
