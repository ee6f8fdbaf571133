"""What a shop's account has on the product that the browser looks at: something real on every page."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from simfra.testing import Account
from tests.support.waiting import wait_for

REGION = "us-east-1"
FAMILY, QUEUE, TABLE, SECRET, PARAMETER, LOG_GROUP = "web", "orders", "orders", "shop/database", "/shop/url", "/ecs/web"
PASSWORD = "the-password-of-the-shop"
TICKS = "trap exit TERM; while true; do echo tick; sleep 1; done"
TASK_STARTS_WITHIN_S = 90

Aws = Callable[[str], Any]


@dataclass(frozen=True, kw_only=True)
class Shop:
    """The account, and the names that only the product knows."""

    account: Account
    aws: Aws
    task_id: str
    failed_task_id: str
    image_digest: str
    failed_request_id: str
    vpc_id: str
    policy_arn: str
    has_docker: bool


def fill(account: Account, *, image: str | None) -> Shop:
    """Make a shop; ``image`` is what its tasks run, None where there is no engine."""
    aws = cache(account.client)  # a client costs half a second of a processor
    network = _network(aws)
    _queues(aws)
    _tables(aws)
    _secrets(aws)
    _names(aws, network["VpcId"])
    _logs(aws)
    _alarms(aws)
    policy_arn = _identities(aws)
    digest = _image(aws)
    tasks = _tasks(aws, network, image)
    return Shop(
        account=account,
        aws=aws,
        task_id=tasks[0],
        failed_task_id=tasks[1],
        image_digest=digest,
        failed_request_id=_failed_requests(aws),
        vpc_id=network["VpcId"],
        policy_arn=policy_arn,
        has_docker=image is not None,
    )


def _network(aws: Aws) -> dict[str, Any]:
    """A VPC of the shop's own with a load balancer, beside the default one."""
    ec2, elbv2 = aws("ec2"), aws("elbv2")
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.20.{n}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"]
        for n, zone in enumerate("ab")
    ]
    group = ec2.create_security_group(GroupName="shop", Description="Shoppers", VpcId=vpc)["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=group, IpProtocol="tcp", FromPort=80, ToPort=80, CidrIp="10.0.0.0/8")
    balancer = elbv2.create_load_balancer(
        Name="front", Subnets=[subnet["SubnetId"] for subnet in subnets], SecurityGroups=[group], Scheme="internal"
    )["LoadBalancers"][0]["LoadBalancerArn"]
    target = elbv2.create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip")
    target_arn = target["TargetGroups"][0]["TargetGroupArn"]
    forward = [{"Type": "forward", "TargetGroupArn": target_arn}]
    listener = elbv2.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=forward)
    elbv2.create_rule(
        ListenerArn=listener["Listeners"][0]["ListenerArn"],
        Priority=1,
        Conditions=[{"Field": "path-pattern", "Values": ["/orders/*"]}],
        Actions=forward,
    )
    return {"VpcId": vpc, "SubnetIds": [subnet["SubnetId"] for subnet in subnets], "GroupId": group}


def _queues(aws: Aws) -> None:
    """A queue with more messages than a page shows, and its dead-letter queue."""
    sqs = aws("sqs")
    dead = sqs.create_queue(QueueName="orders-dead")["QueueUrl"]
    dead_arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 3})
    url = sqs.create_queue(QueueName=QUEUE, Attributes={"RedrivePolicy": policy})["QueueUrl"]
    for first in range(0, 60, 10):
        entries = [{"Id": str(n), "MessageBody": json.dumps({"order": first + n})} for n in range(10)]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)
    sqs.send_message(QueueUrl=dead, MessageBody='{"order": "broken"}')


def _tables(aws: Aws) -> None:
    dynamodb = aws("dynamodb")
    dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("customer", "order")],
        KeySchema=[
            {"AttributeName": "customer", "KeyType": "HASH"},
            {"AttributeName": "order", "KeyType": "RANGE"},
        ],
    )
    for n in range(30):
        item = {"customer": {"S": f"customer-{n % 3}"}, "order": {"S": f"{n:03}"}, "total": {"N": str(n)}}
        dynamodb.put_item(TableName=TABLE, Item=item)


def _secrets(aws: Aws) -> None:
    aws("secretsmanager").create_secret(Name=SECRET, SecretString=PASSWORD)
    aws("ssm").put_parameter(Name=PARAMETER, Value="https://shop.example", Type="String")
    aws("ssm").put_parameter(Name="/shop/token", Value=PASSWORD, Type="SecureString")


def _names(aws: Aws, vpc_id: str) -> None:
    cloud_map = aws("servicediscovery")
    cloud_map.create_private_dns_namespace(Name="shop.local", Vpc=vpc_id)
    found = wait_for(lambda: cloud_map.list_namespaces()["Namespaces"], timeout_s=60, what="the namespace")
    service = cloud_map.create_service(
        Name="web", NamespaceId=found[0]["Id"], DnsConfig={"DnsRecords": [{"Type": "A", "TTL": 10}]}
    )["Service"]["Id"]
    cloud_map.register_instance(ServiceId=service, InstanceId="one", Attributes={"AWS_INSTANCE_IPV4": "10.20.0.9"})


def _logs(aws: Aws) -> None:
    logs = aws("logs")
    logs.create_log_group(logGroupName=LOG_GROUP)
    logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName="app/one")
    now_ms = int(time.time() * 1000)
    lines = [{"timestamp": now_ms - 100 + n, "message": f"GET /orders/{n} 200"} for n in range(100)]
    logs.put_log_events(logGroupName=LOG_GROUP, logStreamName="app/one", logEvents=lines)


def _alarms(aws: Aws) -> None:
    cloudwatch = aws("cloudwatch")
    cloudwatch.put_metric_data(
        Namespace="Shop", MetricData=[{"MetricName": "Orders", "Value": n, "Unit": "Count"} for n in (3, 5, 8)]
    )
    cloudwatch.put_metric_alarm(
        AlarmName="too-many-orders",
        Namespace="Shop",
        MetricName="Orders",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1000,
        ComparisonOperator="GreaterThanThreshold",
    )


def _identities(aws: Aws) -> str:
    iam = aws("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName="task", AssumeRolePolicyDocument=_policy(trust))
    may_send = _policy({"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"})
    arn: str = iam.create_policy(PolicyName="sending", PolicyDocument=may_send)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="task", PolicyArn=arn)
    iam.create_group(GroupName="clerks")
    iam.create_user(UserName="ann")
    iam.add_user_to_group(GroupName="clerks", UserName="ann")
    iam.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=may_send)
    return arn


def _policy(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _image(aws: Aws) -> str:
    """A repository with an image of one small layer."""
    ecr = aws("ecr")
    ecr.create_repository(repositoryName="shop/web")
    config = _layer(ecr, json.dumps({"architecture": "amd64", "os": "linux", "config": {}}).encode())
    layer = _layer(ecr, b"a layer" * 1000)
    media = "application/vnd.docker"
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{media}.distribution.manifest.v2+json",
        "config": {"mediaType": f"{media}.container.image.v1+json", **config},
        "layers": [{"mediaType": f"{media}.image.rootfs.diff.tar.gzip", **layer}],
    }
    put = ecr.put_image(repositoryName="shop/web", imageManifest=json.dumps(manifest), imageTag="1.0")
    return str(put["image"]["imageId"]["imageDigest"])


def _layer(ecr: Any, content: bytes) -> dict[str, Any]:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    upload = ecr.initiate_layer_upload(repositoryName="shop/web")["uploadId"]
    ecr.upload_layer_part(
        repositoryName="shop/web",
        uploadId=upload,
        partFirstByte=0,
        partLastByte=len(content) - 1,
        layerPartBlob=content,
    )
    ecr.complete_layer_upload(repositoryName="shop/web", uploadId=upload, layerDigests=[digest])
    return {"digest": digest, "size": len(content)}


def _tasks(aws: Aws, network: Mapping[str, Any], image: str | None) -> tuple[str, str]:
    """A service, a task that runs where there is an engine, and one that cannot: the ids of both tasks."""
    ecs = aws("ecs")
    ecs.create_cluster(clusterName="default")
    environment = [{"name": "GREETING", "value": "hello"}, {"name": "DATABASE_PASSWORD", "value": PASSWORD}]
    container = {"name": "app", "image": image or "shop/web:1.0", "memory": 64, "environment": environment}
    ticking = {**container, "command": ["sh", "-c", TICKS]}
    ecs.register_task_definition(family=FAMILY, containerDefinitions=[container])
    ecs.register_task_definition(family=FAMILY, containerDefinitions=[ticking])
    broken = {"name": "app", "image": "nowhere.invalid/none:1", "memory": 64}
    ecs.register_task_definition(family="broken", containerDefinitions=[broken])
    ecs.create_service(serviceName="web", taskDefinition=FAMILY, desiredCount=0)
    ran = ecs.run_task(taskDefinition=FAMILY)["tasks"][0]["taskArn"]
    failed = ecs.run_task(taskDefinition="broken")["tasks"][0]["taskArn"]

    def statuses() -> bool:
        first, second = ecs.describe_tasks(tasks=[ran, failed])["tasks"]
        by_arn = {first["taskArn"]: first["lastStatus"], second["taskArn"]: second["lastStatus"]}
        return by_arn[failed] == "STOPPED" and by_arn[ran] == ("RUNNING" if image else "STOPPED")

    wait_for(statuses, timeout_s=TASK_STARTS_WITHIN_S, every_s=0.2, what="one task to run and one to fail")
    return ran.rpartition("/")[2], failed.rpartition("/")[2]


def _failed_requests(aws: Aws) -> str:
    """Some refusals; the id of the first."""
    with suppress(ClientError):
        aws("dynamodb").get_item(TableName="nothing", Key={"id": {"S": "1"}})
    try:
        aws("sqs").get_queue_url(QueueName="nothing")
    except ClientError as error:
        return str(error.response["ResponseMetadata"]["RequestId"])
    raise AssertionError("a queue that is not there has no URL")
