"""Flow logs."""

from django.db import models

from aws_api.services.ec2 import kinds
from aws_api.services.ec2.models.resource import Ec2Resource
from aws_api.services.ec2.models.vpcs import Vpc


class FlowLog(Ec2Resource):
    """A wish to have traffic of a VPC, subnet or interface logged, kept as it was made; nothing is logged.

    ``document`` is AWS's FlowLog shape.
    """

    kind = kinds.FLOW_LOG

    vpc = models.ForeignKey(Vpc, on_delete=models.CASCADE, related_name="flow_logs")
    #: The VPC, subnet or interface.
    target_id = models.CharField(max_length=64)
