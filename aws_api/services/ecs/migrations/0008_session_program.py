from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ecs", "0007_session_encryption"),
    ]

    operations = [
        migrations.AddField(
            model_name="executecommandsession",
            name="program",
            field=models.CharField(blank=True, default="", max_length=128),
        ),
    ]
