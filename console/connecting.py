"""How clients of every kind are pointed at this endpoint, as text to copy."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings

from aws_api.core.accounts import RootKeys, root_keys
from console.scope import Scope


@dataclass(frozen=True, kw_only=True)
class Guide:
    """A client: what it is called in addresses and in tabs, and what to write where."""

    key: str
    title: str
    hint: str
    text: str


#: In the place of keys that the reader may not see.
YOUR_OWN = RootKeys("your-access-key-id", "your-secret-access-key")


def guides(scope: Scope, *, shows_keys: bool) -> list[Guide]:
    """Every client's guide, with the endpoint and region; for who administers the account with its root keys."""
    keys = root_keys(scope.account_id) if shows_keys else YOUR_OWN
    values = {
        "endpoint": settings.SIMFRA_ENDPOINT,
        "region": scope.region,
        "key": keys.access_key_id,
        "secret": keys.secret_access_key,
    }
    return [Guide(key=key, title=title, hint=hint, text=_filled(text, values)) for key, title, hint, text in _GUIDES]


def _filled(text: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(f"<{name}>", value)
    return text.strip()


_ENVIRONMENT = """
export AWS_ENDPOINT_URL=<endpoint>
export AWS_REGION=<region> AWS_DEFAULT_REGION=<region>
export AWS_ACCESS_KEY_ID=<key>
export AWS_SECRET_ACCESS_KEY=<secret>
"""
_BOTO3 = """
import boto3

session = boto3.Session(
    aws_access_key_id="<key>",
    aws_secret_access_key="<secret>",
    region_name="<region>",
)
ecs = session.client("ecs", endpoint_url="<endpoint>")
print(ecs.list_clusters()["clusterArns"])
"""
_JAVASCRIPT = """
import { ECSClient, ListClustersCommand } from "@aws-sdk/client-ecs";

const ecs = new ECSClient({
  endpoint: "<endpoint>",
  region: "<region>",
  credentials: { accessKeyId: "<key>", secretAccessKey: "<secret>" },
});
console.log((await ecs.send(new ListClustersCommand({}))).clusterArns);
"""
_JAVA = """
EcsClient ecs = EcsClient.builder()
    .endpointOverride(URI.create("<endpoint>"))
    .region(Region.of("<region>"))
    .credentialsProvider(StaticCredentialsProvider.create(
        AwsBasicCredentials.create("<key>", "<secret>")))
    .build();
System.out.println(ecs.listClusters().clusterArns());
"""
_GO = """
config, err := config.LoadDefaultConfig(context.TODO(),
    config.WithRegion("<region>"),
    config.WithBaseEndpoint("<endpoint>"),
    config.WithCredentialsProvider(
        credentials.NewStaticCredentialsProvider("<key>", "<secret>", "")))
if err != nil {
    log.Fatal(err)
}
clusters, err := ecs.NewFromConfig(config).ListClusters(context.TODO(), &ecs.ListClustersInput{})
"""
_TERRAFORM = """
provider "aws" {
  region                      = "<region>"
  access_key                  = "<key>"
  secret_key                  = "<secret>"
  skip_credentials_validation = true
  skip_metadata_api_check     = true

  endpoints {
    ec2            = "<endpoint>"
    ecr            = "<endpoint>"
    ecs            = "<endpoint>"
    elbv2          = "<endpoint>"
    iam            = "<endpoint>"
    logs           = "<endpoint>"
    secretsmanager = "<endpoint>"
    sqs            = "<endpoint>"
    ssm            = "<endpoint>"
    sts            = "<endpoint>"
  }
}
"""
_CDK = (
    _ENVIRONMENT
    + """
# What the app makes as a template; CloudFormation itself is not emulated, so apply it with the AWS CLI or Terraform.
npx cdk synth
"""
)
_GUIDES = (
    (
        "cli",
        "AWS CLI",
        "These variables reach every SDK of 2023 and later, too.",
        _ENVIRONMENT + "\naws ecs list-clusters",
    ),
    ("boto3", "boto3", 'With the variables of the AWS CLI, boto3.client("ecs") is enough.', _BOTO3),
    ("javascript", "JavaScript", "With the variables of the AWS CLI, new ECSClient() is enough.", _JAVASCRIPT),
    ("java", "Java", "SDK 2. With the variables of the AWS CLI, EcsClient.create() is enough.", _JAVA),
    ("go", "Go", "SDK 2. With the variables of the AWS CLI, LoadDefaultConfig alone is enough.", _GO),
    ("terraform", "Terraform", "Provider 5 and later read AWS_ENDPOINT_URL; this says it in the code.", _TERRAFORM),
    ("cdk", "CDK", "The CDK takes the account and the region from these.", _CDK),
)
