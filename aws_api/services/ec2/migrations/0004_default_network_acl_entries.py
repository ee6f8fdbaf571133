from django.db import migrations

#: Network ACLs were the default ones of their VPCs until now: they allow everything.
ALLOW_EVERYTHING = """
    INSERT INTO ec2_networkaclentry
        (network_acl_id, is_egress, rule_number, is_allow, protocol, cidr_ipv4, cidr_ipv6)
    SELECT id, direction.is_egress, 100, true, '-1', '0.0.0.0/0', ''
    FROM ec2_networkacl, (VALUES (true), (false)) AS direction (is_egress)
"""


class Migration(migrations.Migration):
    dependencies = [
        ("ec2", "0003_networking"),
    ]

    operations = [
        migrations.RunSQL(ALLOW_EVERYTHING, "DELETE FROM ec2_networkaclentry"),
    ]
