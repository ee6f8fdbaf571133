"""Where the gateways of peered VPCs find one another."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ec2", "0004_default_network_acl_entries")]

    operations = [
        migrations.AddField(
            model_name="vpcnetwork",
            name="last_uplink_address",
            field=models.CharField(blank=True, default="", max_length=15),
        ),
    ]
