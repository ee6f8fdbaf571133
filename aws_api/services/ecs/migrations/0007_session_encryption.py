from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ecs", "0006_instances_deregistered"),
    ]

    operations = [
        migrations.AddField(
            model_name="executecommandsession",
            name="kms_key_id",
            field=models.CharField(blank=True, default="", max_length=2048),
        ),
        migrations.AddField(
            model_name="executecommandsession",
            name="target_id",
            field=models.CharField(blank=True, default="", max_length=512),
        ),
    ]
