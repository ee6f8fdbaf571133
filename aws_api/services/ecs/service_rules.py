"""What a service may be asked to be: the checks of CreateService and UpdateService that the model cannot say. Pure
but for looking at the cluster's capacity providers.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service_definition_parameters.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_api.services.ecs.fargate import PLATFORM_VERSIONS
from aws_api.services.ecs.identifiers import is_name
from aws_api.services.ecs.models import TaskDefinition
from aws_api.services.ecs.placement import check_placement
from aws_api.services.ecs.shapes import (
    ClientException,
    InvalidParameterException,
    PlatformUnknownException,
    UnsupportedFeatureException,
)

Shape = Mapping[str, Any]

MAX_DESIRED_COUNT = 5000
MAX_TARGET_GROUPS = 5
MAX_BAKE_MINUTES = 1440
MAX_GRACE_S = 2_147_483_647
#: Percentages of a service that says nothing of them.
REPLICA_PERCENTS = {"maximumPercent": 200, "minimumHealthyPercent": 100}
DAEMON_PERCENTS = {"maximumPercent": 100, "minimumHealthyPercent": 0}
_NO_BREAKER = {"enable": False, "rollback": False}
_SHIFTING = ("BLUE_GREEN", "LINEAR", "CANARY")
_NOT_AT_A_PAUSE = ("TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT")


def check_name(name: str) -> None:
    if not is_name(name):
        raise InvalidParameterException("Invalid service name.")


def check_count(count: int, strategy: str) -> None:
    """A desired count of a service of this scheduling strategy."""
    if strategy == "DAEMON":
        raise InvalidParameterException("The daemon scheduling strategy does not support a desired count for services.")
    if not 0 <= count <= MAX_DESIRED_COUNT:
        raise InvalidParameterException(f"desiredCount must be between 0 and {MAX_DESIRED_COUNT}.")


def deployment_configuration(asked: Shape, before: Shape, strategy: str, controller: str) -> dict[str, Any]:
    """The configuration that holds once what is asked for is laid over what was. Raises for what cannot be."""
    percents = DAEMON_PERCENTS if strategy == "DAEMON" else REPLICA_PERCENTS
    merged: dict[str, Any] = {**percents, **before, **asked}
    if controller == "ECS":
        merged.setdefault("deploymentCircuitBreaker", _NO_BREAKER)
        merged.setdefault("strategy", "ROLLING")
    fewest, most = merged["minimumHealthyPercent"], merged["maximumPercent"]
    if fewest < 0 or most < 0:
        raise InvalidParameterException("Both maximumPercent and minimumHealthyPercent must be positive integers.")
    if strategy == "DAEMON" and most > 200:
        raise InvalidParameterException("maximumPercent must be at most 200 for the daemon scheduling strategy.")
    if most <= 100 and fewest >= 100 and strategy != "DAEMON":
        raise InvalidParameterException(
            "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments."
        )
    if fewest > most:
        raise InvalidParameterException("maximumPercent must be greater than minimumHealthyPercent.")
    _check_strategy(merged, controller)
    _check_breaker(merged.get("deploymentCircuitBreaker", {}), controller, strategy)
    _check_hooks(merged.get("lifecycleHooks", ()))
    return merged


def check_revision(definition: TaskDefinition, revision: Shape, strategy: str, controller: str) -> None:
    """What a service's tasks are to be, together."""
    _check_launch(definition, revision, strategy)
    _check_load_balancers(definition, revision.get("loadBalancers", ()))
    _check_registries(definition, revision.get("serviceRegistries", ()))
    if revision.get("vpcLatticeConfigurations"):
        raise UnsupportedFeatureException("VPC Lattice is not emulated: register the tasks in a target group instead.")
    awsvpc = definition.document.get("networkMode", "bridge") == "awsvpc"
    has_network = "awsvpcConfiguration" in revision.get("networkConfiguration", {})
    if awsvpc and not has_network:
        raise InvalidParameterException(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified."
        )
    if has_network and not awsvpc:
        raise InvalidParameterException(
            "Network Configuration is not valid for the given networkMode of this task definition."
        )


def check_placements(request: Shape, launch_types: Sequence[str], strategy: str) -> None:
    constraints, strategies = request.get("placementConstraints", ()), request.get("placementStrategy", ())
    check_placement(constraints, strategies, InvalidParameterException)
    if (constraints or strategies) and "FARGATE" in launch_types:
        raise InvalidParameterException("Placement constraints and strategies are not supported with FARGATE.")
    if strategies and strategy == "DAEMON":
        raise InvalidParameterException("Placement strategies are not supported with the DAEMON scheduling strategy.")


def check_grace(seconds: int, revision: Shape, definition: TaskDefinition) -> None:
    """A grace period is for services whose tasks somebody checks."""
    if not 0 <= seconds <= MAX_GRACE_S:
        raise InvalidParameterException("healthCheckGracePeriodSeconds must be between 0 and 2147483647.")
    is_checked = any("healthCheck" in each for each in definition.document["containerDefinitions"])
    if seconds and not (revision.get("loadBalancers") or is_checked):
        raise InvalidParameterException(
            "Health check grace period is only valid for services configured to use load balancers"
        )


def _check_launch(definition: TaskDefinition, revision: Shape, strategy: str) -> None:
    launch_type, version = revision.get("launchType"), revision.get("platformVersion", "")
    if launch_type and launch_type not in definition.document["compatibilities"]:
        raise InvalidParameterException(f"Task definition does not support launch_type {launch_type}.")
    if strategy == "DAEMON" and (launch_type == "FARGATE" or revision.get("capacityProviderStrategy")):
        raise InvalidParameterException("The DAEMON scheduling strategy does not support the FARGATE launch type.")
    if version and launch_type == "EC2":
        raise InvalidParameterException("The platform version must be null when specifying an EC2 launch type.")
    if version and version != "LATEST" and version not in PLATFORM_VERSIONS:
        raise PlatformUnknownException(f"The platform version {version} does not exist.")


def _check_load_balancers(definition: TaskDefinition, balancers: Sequence[Shape]) -> None:
    if len(balancers) > MAX_TARGET_GROUPS:
        raise InvalidParameterException(f"load balancers can have at most {MAX_TARGET_GROUPS} items.")
    for balancer in balancers:
        if balancer.get("loadBalancerName"):
            raise InvalidParameterException("Classic Load Balancers are not supported: give a targetGroupArn.")
        if not balancer.get("targetGroupArn"):
            raise InvalidParameterException("loadBalancers must have a targetGroupArn.")
        _check_port(definition, balancer.get("containerName", ""), balancer.get("containerPort", 0))


def _check_registries(definition: TaskDefinition, registries: Sequence[Shape]) -> None:
    if len(registries) > 1:
        raise InvalidParameterException("service registries can have at most 1 items.")
    for registry in registries:
        if not registry.get("registryArn"):
            raise InvalidParameterException("serviceRegistries must have a registryArn.")
        named = "containerName" in registry or "containerPort" in registry
        if named and "port" in registry:
            raise InvalidParameterException("Specify either port or containerName and containerPort, not both.")
        if named:
            _check_port(definition, registry.get("containerName", ""), registry.get("containerPort", 0))
        elif definition.document.get("networkMode", "bridge") != "awsvpc":
            raise InvalidParameterException(
                "When specifying 'host' or 'bridge' for networkMode, values for 'containerName' and 'containerPort' "
                "must be specified from the task definition."
            )


def _check_port(definition: TaskDefinition, name: str, port: int) -> None:
    container = next((each for each in definition.document["containerDefinitions"] if each["name"] == name), None)
    if container is None:
        raise InvalidParameterException(f"The container {name} does not exist in the task definition.")
    if not any(mapping.get("containerPort") == port for mapping in container.get("portMappings", ())):
        raise InvalidParameterException(f"The container {name} did not have a container port {port} defined.")


def _check_strategy(configuration: Shape, controller: str) -> None:
    strategy = configuration.get("strategy", "ROLLING")
    if strategy != "ROLLING" and controller != "ECS":
        raise InvalidParameterException("The deployment strategy is only supported with the ECS deployment controller.")
    if not 0 <= configuration.get("bakeTimeInMinutes", 0) <= MAX_BAKE_MINUTES:
        raise InvalidParameterException(f"bakeTimeInMinutes must be between 0 and {MAX_BAKE_MINUTES}.")
    for member, kind in (("linearConfiguration", "LINEAR"), ("canaryConfiguration", "CANARY")):
        if member in configuration and strategy != kind:
            raise InvalidParameterException(f"{member} is only valid with the deployment strategy {kind}.")
    step = configuration.get("linearConfiguration", {}).get("stepPercent", 10.0)
    share = configuration.get("canaryConfiguration", {}).get("canaryPercent", 5.0)
    if not 3.0 <= step <= 100.0:
        raise InvalidParameterException("stepPercent must be between 3.0 and 100.0.")
    if not 0.1 <= share <= 100.0:
        raise InvalidParameterException("canaryPercent must be between 0.1 and 100.0.")
    early = configuration.get("earlySuccessCriteria", {})
    if early.get("enable") and early.get("healthyPercent", 0) < configuration["minimumHealthyPercent"]:
        raise InvalidParameterException("healthyPercent must be at least the minimumHealthyPercent.")


def _check_breaker(breaker: Shape, controller: str, strategy: str) -> None:
    if breaker.get("enable") and (controller != "ECS" or strategy == "DAEMON"):
        raise InvalidParameterException(
            "Deployment circuit breaker feature is only supported with the ECS deployment controller and REPLICA "
            "services."
        )
    if breaker.get("thresholdConfiguration", {}).get("value", 1) < 1:
        raise InvalidParameterException("The value of thresholdConfiguration must be at least 1.")


def _check_hooks(hooks: Sequence[Shape]) -> None:
    for hook in hooks:
        stages = hook.get("lifecycleStages", ())
        if not stages:
            raise InvalidParameterException("lifecycleHooks must have lifecycleStages.")
        if hook.get("targetType", "AWS_LAMBDA") == "PAUSE":
            if refused := set(stages) & set(_NOT_AT_A_PAUSE):
                raise InvalidParameterException(f"PAUSE hooks cannot be configured at the stage {min(refused)}.")
        elif not hook.get("hookTargetArn"):
            raise InvalidParameterException("lifecycleHooks of type AWS_LAMBDA must have a hookTargetArn.")


def check_controller(controller: str, request: Shape) -> None:
    """What services with another deployment controller leave to their task sets."""
    if controller != "EXTERNAL":
        return
    for member in ("taskDefinition", "loadBalancers", "serviceRegistries", "networkConfiguration", "launchType"):
        if request.get(member):
            raise InvalidParameterException(
                f"{member} cannot be specified for services with the EXTERNAL deployment controller; give it to the "
                "task sets."
            )


def check_one_of_launch(request: Shape) -> None:
    if request.get("launchType") and request.get("capacityProviderStrategy"):
        raise InvalidParameterException(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again."
        )


def require_supported_controller(controller: str) -> None:
    if controller not in ("ECS", "CODE_DEPLOY", "EXTERNAL"):
        raise ClientException(f"The deployment controller {controller} is not known.")
