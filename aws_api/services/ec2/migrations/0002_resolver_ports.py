from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ec2", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="vpcnetwork",
            name="last_dns_port",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="vpcnetwork",
            name="last_dns_tcp_port",
            field=models.PositiveIntegerField(default=0),
        ),
    ]
