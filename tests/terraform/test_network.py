"""Terraform keeps a whole network, as its VPC module would make it: apply, a clean plan, a change, destroy."""

from collections.abc import Callable
from typing import Any

from tests.terraform.terraform import Terraform, needs_terraform

CONFIGURATION = """
data "aws_availability_zones" "all" {{
  state = "available"
}}

data "aws_caller_identity" "me" {{}}

data "aws_region" "here" {{}}

locals {{
  zones = slice(data.aws_availability_zones.all.names, 0, 2)
  tags  = {{ Project = "orders" }}
}}

resource "aws_vpc" "main" {{
  cidr_block           = "10.0.0.0/16"
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = merge(local.tags, {{ Name = "{name}" }})
}}

resource "aws_vpc_ipv4_cidr_block_association" "second" {{
  vpc_id     = aws_vpc.main.id
  cidr_block = "10.1.0.0/16"
}}

resource "aws_vpc_dhcp_options" "main" {{
  domain_name         = "orders.internal"
  domain_name_servers = ["AmazonProvidedDNS"]
  tags                = local.tags
}}

resource "aws_vpc_dhcp_options_association" "main" {{
  vpc_id          = aws_vpc.main.id
  dhcp_options_id = aws_vpc_dhcp_options.main.id
}}

resource "aws_subnet" "public" {{
  count                   = 2
  vpc_id                  = aws_vpc.main.id
  cidr_block              = cidrsubnet("10.0.0.0/16", 8, count.index)
  availability_zone       = local.zones[count.index]
  map_public_ip_on_launch = true
  tags                    = merge(local.tags, {{ Name = "public-${{count.index}}" }})
}}

resource "aws_subnet" "private" {{
  count             = 2
  vpc_id            = aws_vpc_ipv4_cidr_block_association.second.vpc_id
  cidr_block        = cidrsubnet("10.1.0.0/16", 8, count.index)
  availability_zone = local.zones[count.index]
  tags              = merge(local.tags, {{ Name = "private-${{count.index}}" }})
}}

resource "aws_internet_gateway" "main" {{
  vpc_id = aws_vpc.main.id
  tags   = local.tags
}}

resource "aws_egress_only_internet_gateway" "main" {{
  vpc_id = aws_vpc.main.id
  tags   = local.tags
}}

resource "aws_eip" "nat" {{
  count  = 2
  domain = "vpc"
  tags   = merge(local.tags, {{ Name = "nat-${{count.index}}" }})
}}

resource "aws_nat_gateway" "main" {{
  count         = 2
  allocation_id = aws_eip.nat[count.index].id
  subnet_id     = aws_subnet.public[count.index].id
  tags          = merge(local.tags, {{ Name = "nat-${{count.index}}" }})
  depends_on    = [aws_internet_gateway.main]
}}

resource "aws_nat_gateway" "private" {{
  connectivity_type = "private"
  subnet_id         = aws_subnet.private[0].id
}}

resource "aws_route_table" "public" {{
  vpc_id = aws_vpc.main.id
  tags   = merge(local.tags, {{ Name = "public" }})
}}

resource "aws_route" "internet" {{
  route_table_id         = aws_route_table.public.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.main.id
}}

resource "aws_route_table_association" "public" {{
  count          = 2
  subnet_id      = aws_subnet.public[count.index].id
  route_table_id = aws_route_table.public.id
}}

resource "aws_route_table" "private" {{
  count  = 2
  vpc_id = aws_vpc.main.id
  tags   = merge(local.tags, {{ Name = "private-${{count.index}}" }})
}}

resource "aws_route" "nat" {{
  count                  = 2
  route_table_id         = aws_route_table.private[count.index].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.main[count.index].id
}}

resource "aws_route" "offices" {{
  route_table_id             = aws_route_table.private[0].id
  destination_prefix_list_id = aws_ec2_managed_prefix_list.offices.id
  nat_gateway_id             = aws_nat_gateway.main[0].id
}}

resource "aws_route_table_association" "private" {{
  count          = 2
  subnet_id      = aws_subnet.private[count.index].id
  route_table_id = aws_route_table.private[count.index].id
}}

resource "aws_default_route_table" "main" {{
  default_route_table_id = aws_vpc.main.default_route_table_id
  tags                   = merge(local.tags, {{ Name = "default" }})
}}

resource "aws_default_network_acl" "main" {{
  default_network_acl_id = aws_vpc.main.default_network_acl_id
  tags                   = merge(local.tags, {{ Name = "default" }})

  ingress {{
    protocol   = -1
    rule_no    = 100
    action     = "allow"
    cidr_block = "0.0.0.0/0"
    from_port  = 0
    to_port    = 0
  }}

  egress {{
    protocol   = -1
    rule_no    = 100
    action     = "allow"
    cidr_block = "0.0.0.0/0"
    from_port  = 0
    to_port    = 0
  }}

  lifecycle {{
    ignore_changes = [subnet_ids]
  }}
}}

resource "aws_default_security_group" "main" {{
  vpc_id = aws_vpc.main.id
  tags   = merge(local.tags, {{ Name = "default" }})
}}

resource "aws_network_acl" "public" {{
  vpc_id     = aws_vpc.main.id
  subnet_ids = aws_subnet.public[*].id
  tags       = merge(local.tags, {{ Name = "public" }})
}}

resource "aws_network_acl_rule" "https" {{
  network_acl_id = aws_network_acl.public.id
  rule_number    = 100
  egress         = false
  protocol       = "tcp"
  rule_action    = "allow"
  cidr_block     = "{office}"
  from_port      = 443
  to_port        = 443
}}

resource "aws_network_acl_rule" "ping" {{
  network_acl_id = aws_network_acl.public.id
  rule_number    = 110
  egress         = true
  protocol       = "icmp"
  rule_action    = "deny"
  cidr_block     = "0.0.0.0/0"
  icmp_type      = 8
  icmp_code      = -1
}}

resource "aws_network_acl" "private" {{
  vpc_id = aws_vpc.main.id

  ingress {{
    protocol   = "udp"
    rule_no    = 200
    action     = "allow"
    cidr_block = "10.0.0.0/8"
    from_port  = 53
    to_port    = 53
  }}

  egress {{
    protocol   = "-1"
    rule_no    = 300
    action     = "allow"
    cidr_block = "0.0.0.0/0"
    from_port  = 0
    to_port    = 0
  }}
}}

resource "aws_ec2_managed_prefix_list" "offices" {{
  name           = "offices"
  address_family = "IPv4"
  max_entries    = 5
  tags           = local.tags

  entry {{
    cidr        = "{office}"
    description = "Berlin"
  }}

  entry {{
    cidr = "203.0.113.0/24"
  }}
}}

resource "aws_ec2_managed_prefix_list_entry" "extra" {{
  prefix_list_id = aws_ec2_managed_prefix_list.partners.id
  cidr           = "198.51.100.128/25"
  description    = "partner"
}}

resource "aws_ec2_managed_prefix_list" "partners" {{
  name           = "partners"
  address_family = "IPv4"
  max_entries    = 3
}}

resource "aws_security_group" "lb" {{
  name        = "lb"
  description = "load balancers"
  vpc_id      = aws_vpc.main.id
  tags        = local.tags

  ingress {{
    description = "web"
    from_port   = 80
    to_port     = 80
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }}

  egress {{
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }}
}}

resource "aws_security_group" "app" {{
  name   = "app"
  vpc_id = aws_vpc.main.id
  tags   = local.tags
}}

resource "aws_security_group_rule" "app_self" {{
  security_group_id = aws_security_group.app.id
  type              = "ingress"
  protocol          = "tcp"
  from_port         = 9000
  to_port           = 9100
  self              = true
}}

resource "aws_security_group_rule" "app_offices" {{
  security_group_id = aws_security_group.app.id
  type              = "ingress"
  protocol          = "tcp"
  from_port         = 22
  to_port           = 22
  prefix_list_ids   = [aws_ec2_managed_prefix_list.offices.id]
}}

resource "aws_security_group_rule" "app_from_lb" {{
  security_group_id        = aws_security_group.app.id
  type                     = "ingress"
  protocol                 = "tcp"
  from_port                = 8080
  to_port                  = 8080
  source_security_group_id = aws_security_group.lb.id
  description              = "from the load balancers"
}}

resource "aws_security_group" "db" {{
  name   = "db"
  vpc_id = aws_vpc.main.id
}}

resource "aws_vpc_security_group_ingress_rule" "db_from_app" {{
  security_group_id            = aws_security_group.db.id
  referenced_security_group_id = aws_security_group.app.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
  description                  = "postgres"
  tags                         = local.tags
}}

resource "aws_vpc_security_group_ingress_rule" "db_from_offices" {{
  security_group_id = aws_security_group.db.id
  prefix_list_id    = aws_ec2_managed_prefix_list.offices.id
  ip_protocol       = "tcp"
  from_port         = 5432
  to_port           = 5432
}}

resource "aws_vpc_security_group_egress_rule" "db_to_vpc" {{
  security_group_id = aws_security_group.db.id
  cidr_ipv4         = "10.0.0.0/8"
  ip_protocol       = "-1"
}}

resource "aws_vpc_security_group_egress_rule" "db_to_s3" {{
  security_group_id = aws_security_group.db.id
  prefix_list_id    = aws_vpc_endpoint.s3.prefix_list_id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}}

resource "aws_vpc_endpoint" "s3" {{
  vpc_id            = aws_vpc.main.id
  service_name      = "com.amazonaws.us-east-1.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = aws_route_table.private[*].id
  tags              = local.tags
}}

resource "aws_vpc_endpoint" "dynamodb" {{
  vpc_id       = aws_vpc.main.id
  service_name = "com.amazonaws.us-east-1.dynamodb"
  policy = jsonencode({{
    Version   = "2012-10-17"
    Statement = [{{ Effect = "Allow", Principal = "*", Action = "dynamodb:*", Resource = "*" }}]
  }})
}}

resource "aws_vpc_endpoint_route_table_association" "dynamodb" {{
  route_table_id  = aws_route_table.public.id
  vpc_endpoint_id = aws_vpc_endpoint.dynamodb.id
}}

data "aws_vpc_endpoint_service" "sqs" {{
  service      = "sqs"
  service_type = "Interface"
}}

resource "aws_vpc_endpoint" "sqs" {{
  vpc_id              = aws_vpc.main.id
  service_name        = data.aws_vpc_endpoint_service.sqs.service_name
  vpc_endpoint_type   = "Interface"
  subnet_ids          = aws_subnet.private[*].id
  security_group_ids  = [aws_security_group.app.id]
  private_dns_enabled = true
  tags                = local.tags
}}

resource "aws_vpc" "other" {{
  cidr_block = "10.9.0.0/16"
}}

resource "aws_vpc_peering_connection" "other" {{
  vpc_id      = aws_vpc.main.id
  peer_vpc_id = aws_vpc.other.id
  auto_accept = true
  tags        = local.tags
}}

resource "aws_vpc_peering_connection_options" "other" {{
  vpc_peering_connection_id = aws_vpc_peering_connection.other.id

  requester {{
    allow_remote_vpc_dns_resolution = true
  }}
}}

resource "aws_route" "peering" {{
  route_table_id            = aws_route_table.public.id
  destination_cidr_block    = "10.9.0.0/16"
  vpc_peering_connection_id = aws_vpc_peering_connection.other.id
}}

resource "aws_cloudwatch_log_group" "flow" {{
  name = "/vpc/flow"
}}

resource "aws_iam_role" "flow" {{
  name = "flow"
  assume_role_policy = jsonencode({{
    Version = "2012-10-17"
    Statement = [{{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = {{ Service = "vpc-flow-logs.amazonaws.com" }}
    }}]
  }})
}}

resource "aws_flow_log" "main" {{
  vpc_id          = aws_vpc.main.id
  iam_role_arn    = aws_iam_role.flow.arn
  log_destination = aws_cloudwatch_log_group.flow.arn
  traffic_type    = "ALL"
  tags            = local.tags
}}

resource "aws_network_interface" "spare" {{
  subnet_id       = aws_subnet.private[0].id
  private_ips     = ["10.1.0.50", "10.1.0.51"]
  security_groups = [aws_security_group.app.id]
  description     = "spare"
  tags            = local.tags
}}

resource "aws_eip" "spare" {{
  domain                    = "vpc"
  network_interface         = aws_network_interface.spare.id
  associate_with_private_ip = "10.1.0.51"
  depends_on                = [aws_internet_gateway.main]
}}

resource "aws_service_discovery_private_dns_namespace" "orders" {{
  name = "orders.local"
  vpc  = aws_vpc.main.id
}}

resource "aws_service_discovery_service" "processor" {{
  name = "processor"

  dns_config {{
    namespace_id   = aws_service_discovery_private_dns_namespace.orders.id
    routing_policy = "MULTIVALUE"

    dns_records {{
      ttl  = 10
      type = "A"
    }}
  }}
}}

resource "aws_route53_zone" "private" {{
  name = "orders.internal"

  # The provider waits for zones and records, one after the other; this VPC is there at once.
  vpc {{
    vpc_id = aws_vpc.other.id
  }}
}}

resource "aws_route53_record" "database" {{
  zone_id = aws_route53_zone.private.zone_id
  name    = "database.orders.internal"
  type    = "A"
  ttl     = 60
  records = ["10.1.0.50"]
}}

resource "aws_route53_record" "alias" {{
  zone_id = aws_route53_zone.private.zone_id
  name    = "db.orders.internal"
  type    = "CNAME"
  ttl     = 60
  records = ["database.orders.internal"]
}}

output "vpc_id" {{
  value = aws_vpc.main.id
}}

output "prefix_list_id" {{
  value = aws_ec2_managed_prefix_list.offices.id
}}
"""


@needs_terraform
def test_terraform_makes_changes_and_takes_away_a_network(terraform: Terraform, aws: Callable[..., Any]) -> None:
    ec2 = aws("ec2")
    terraform.configure(CONFIGURATION.format(name="orders", office="198.51.100.0/24"))
    terraform.init()
    terraform.apply()
    terraform.check_clean()
    outputs = terraform.outputs()
    in_vpc = [{"Name": "vpc-id", "Values": [outputs["vpc_id"]]}]
    assert {each["State"] for each in ec2.describe_nat_gateways(Filter=in_vpc)["NatGateways"]} == {"available"}
    routes = [route for table in ec2.describe_route_tables(Filters=in_vpc)["RouteTables"] for route in table["Routes"]]
    assert {route["State"] for route in routes} == {"active"}

    terraform.configure(CONFIGURATION.format(name="orders-2", office="192.0.2.0/24"))
    # What was there was refreshed for the plan a moment ago.
    terraform.apply(refresh=False)
    terraform.check_clean()
    entries = ec2.get_managed_prefix_list_entries(PrefixListId=outputs["prefix_list_id"])["Entries"]
    assert {entry["Cidr"] for entry in entries} == {"192.0.2.0/24", "203.0.113.0/24"}

    terraform.destroy(refresh=False)
    left = [vpc for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]]
    assert left == []
    assert ec2.describe_addresses()["Addresses"] == []
    assert [each for each in ec2.describe_managed_prefix_lists()["PrefixLists"] if each["OwnerId"] != "AWS"] == []
