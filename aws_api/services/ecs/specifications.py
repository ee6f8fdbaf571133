"""A Task row as the TaskSpec that its reconciler works on: overrides applied, environment and secrets resolved."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
from django.conf import settings

from aws_api.core.accounts import root_keys
from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.containers import LABEL_KEY, LABEL_KIND, LABEL_LOGS, LABEL_ROLE, ContainerSpec, RegistryCredentials
from aws_api.core.context import Context
from aws_api.core.errors import AwsError
from aws_api.core.images import image_source
from aws_api.core.models import PlanRecord
from aws_api.core.network import NetworkAttachment, network_provider
from aws_api.core.sidecars import ROLE_APPLICATION, emulator_address, object_name, pause_container
from aws_api.services.ecs import firelens, service_connect_proxy
from aws_api.services.ecs.awslogs_options import BLOCKING
from aws_api.services.ecs.container_specs import (
    DEFAULT_STOP_TIMEOUT_S,
    container_name,
    container_spec,
    containers_in_start_order,
    dependencies_of,
    is_of_network,
    overridden,
    restart_policy,
    sysctls_of,
)
from aws_api.services.ecs.describe import moment
from aws_api.services.ecs.endpoint_ids import endpoint_id
from aws_api.services.ecs.engine_limits import EngineLimits, refusal
from aws_api.services.ecs.environment import (
    AccessKey,
    can_ask_for_credentials,
    container_environment,
    injected_environment,
)
from aws_api.services.ecs.environment_files import FIRELENS_FAILED, download, read_environment_files
from aws_api.services.ecs.image_versions import asks_other_registries, pinned_image
from aws_api.services.ecs.instance_address import published_at
from aws_api.services.ecs.lifecycle import TaskStatus
from aws_api.services.ecs.logging_driver import default_mode, log_destination, may_write, prepare_log_stream
from aws_api.services.ecs.models import DesiredStatus, Registration, Task
from aws_api.services.ecs.registry_access import require_pull
from aws_api.services.ecs.roles import (
    CannotInitialize,
    assume_role,
    cannot_assume,
    execution_role_arn,
    longest_session_seconds,
    role_context,
    task_role_arn,
)
from aws_api.services.ecs.secrets import registry_credentials, resolve_secrets, unavailable_role
from aws_api.services.ecs.shared_namespaces import namespace_modes, namespace_owner, needs_owner, owner_ipc_mode
from aws_api.services.ecs.specification import (
    ContainerPart,
    ContainerRecord,
    NetworkWait,
    Stop,
    TaskSpec,
)
from aws_api.services.ecs.task_limits import limits_of, with_limits
from aws_api.services.ecs.volumes import VolumeNaming, mounts_of, volumes_of

KIND = "ecs.task"
_PAUSE = "pause"

Shape = Mapping[str, Any]


def task_spec(row: Task) -> TaskSpec:
    """Everything that deciding about a task needs. Looks up secrets and keys only while something is to be started."""
    attachment = _attachment(row)
    definition = row.task_definition.document
    parts, problem = _Containers(row, attachment).parts()
    awaits = None
    if attachment and attachment.backing_address is None:
        key = {"kind": attachment.network_kind, "key": attachment.network_key}
        awaits = NetworkWait(**key, problem=_last_failure(**key))
    if row.network and attachment is None:
        problem = problem or f"The network interface {row.network['interface_id']} was deleted"
    return TaskSpec(
        arn=row.arn,
        account_id=row.account_id,
        region=row.region,
        version=row.version,
        created_at=row.created_at,
        loaded_at=SYSTEM_CLOCK.now(),
        last_status=row.last_status,
        containers=(*_proxy(row), *parts),
        volumes=volumes_of(
            definition.get("volumes", ()),
            volume_naming(row),
            labels={LABEL_KIND: KIND, LABEL_KEY: row.arn},
            sizes_gib=row.document.get("volumeSizesInGiB", {}),
        )
        + firelens.socket_volumes(
            definition["containerDefinitions"], _firelens_volume(row), {LABEL_KIND: KIND, LABEL_KEY: row.arn}
        ),
        desired_stop=_stop(row.desired_stop_code, row.desired_stopped_reason),
        last_stop=_stop(row.last_stop_code, row.last_stopped_reason),
        problem=problem,
        is_held=row.desired_hold,
        is_registered=_is_registered(row),
        shares_namespaces=bool(row.network) or needs_owner(definition) or limits_of(row).are_shared,
        awaits=awaits,
        pause=None if awaits else _pause(row, attachment),
        pause_name=task_container_name(row, _PAUSE),
        pause_started=row.last_pause_started,
    )


def _proxy(row: Task) -> list[ContainerPart]:
    """The proxy of a task that has Service Connect: started before all others, which talk through it."""
    if service_connect_proxy.deployment_of(row) is None:
        return []
    name = task_container_name(row, service_connect_proxy.CONTAINER)
    spec = service_connect_proxy.proxy_container(row, name=name, network_of=pause_container_name(row))
    record = record_from_json(row.last_containers.get(service_connect_proxy.CONTAINER, {}))
    return [ContainerPart(name=service_connect_proxy.CONTAINER, spec=spec, record=record)]


def is_starting(row: Task) -> bool:
    """Whether some container of the task may still have to be started."""
    return (
        row.last_status in (TaskStatus.PROVISIONING, TaskStatus.PENDING)
        and not row.desired_stop_code
        and not row.last_stop_code
    )


def task_container_name(row: Task, container: str) -> str:
    """The engine's name of one of the task's containers."""
    return container_name(row.task_definition.family, row.task_definition.revision, container, row.task_id)


def pause_container_name(row: Task) -> str:
    """The engine's name of the container that owns the task's network namespace."""
    return task_container_name(row, _PAUSE)


def volume_naming(row: Task) -> VolumeNaming:
    """How the task's volumes are called on the engine."""
    return VolumeNaming(
        own_prefix=task_container_name(row, "volume"),
        shared_prefix=object_name(settings.SIMFRA_INSTANCE, row.account_id, row.region),
    )


def record_to_json(record: ContainerRecord) -> dict[str, Any]:
    """A container's record as its JSON column keeps it."""
    kept: dict[str, Any] = orjson.loads(orjson.dumps(record))
    return kept


def record_from_json(kept: Shape) -> ContainerRecord:
    """A container's record out of its JSON column."""
    times = ("created_at", "started_at", "finished_at")
    members = {**kept, **{name: moment(kept.get(name)) for name in times}}
    return ContainerRecord(**{**members, "bindings": tuple(kept.get("bindings", ()))})


class _Containers:
    """Builds the containers of one task."""

    def __init__(self, row: Task, attachment: NetworkAttachment | None) -> None:
        self._row = row
        self._attachment = attachment
        self._definition = row.task_definition.document
        self._overrides = row.document.get("overrides", {})
        self._network_mode = self._definition.get("networkMode", "bridge")
        self._starting = is_starting(row)
        self._published_at = published_at(row) if self._network_mode == "bridge" else ()
        owner = task_container_name(row, _PAUSE)
        self._namespaces = namespace_modes(self._definition, owner)
        self._network_of = owner if row.network else None
        self._limits_owner = owner if limits_of(row).are_shared else None
        overrides = {override.get("name"): override for override in self._overrides.get("containerOverrides", ())}
        self._shapes = firelens.with_router_first(
            {
                container["name"]: overridden(container, overrides.get(container["name"]))
                for container in self._definition["containerDefinitions"]
            }
        )
        self._task_role_arn = task_role_arn(self._overrides, self._definition, row.account_id)
        self._execution_role_arn = execution_role_arn(self._overrides, self._definition, row.account_id)
        self._execution: Context | None = None
        # Once a container is made, its label says where its output goes and how.
        self._log_mode = default_mode(row.account_id, row.region) if self._starting else BLOCKING

    def parts(self) -> tuple[list[ContainerPart], str]:
        """The containers in start order, and why the task cannot be started where that is so."""
        try:
            if self._starting and (problem := refusal(self._definition, _engine_limits())):
                raise CannotInitialize(problem)
            if self._starting and self._execution_role_arn:
                # Whether or not anything is read as it: ECS starts no task whose role it cannot assume.
                self._execution_context()
            access_key = self._access_key() if self._starting else None
            return [self._part(shape, access_key) for shape in containers_in_start_order(self._shapes.values())], ""
        except CannotInitialize as error:
            self._starting = False
            return [self._part(shape, None) for shape in containers_in_start_order(self._shapes.values())], str(error)

    def _part(self, shape: Shape, access_key: AccessKey | None) -> ContainerPart:
        name = shape["name"]
        return ContainerPart(
            name=name,
            spec=self._spec(shape, access_key),
            essential=shape.get("essential", True),
            asks_registry=self._starting and (self._is_own_image(shape["image"]) or asks_other_registries()),
            credentials=self._credentials(shape),
            dependencies=dependencies_of(shape),
            start_timeout_s=shape.get("startTimeout"),
            stop_timeout_s=shape.get("stopTimeout", DEFAULT_STOP_TIMEOUT_S),
            has_health_check="healthCheck" in shape,
            restart=restart_policy(shape),
            record=record_from_json(self._row.last_containers.get(name, {})),
        )

    def _spec(self, shape: Shape, access_key: AccessKey | None) -> ContainerSpec:
        row = self._row
        labels = {LABEL_KIND: KIND, LABEL_KEY: row.arn, LABEL_ROLE: ROLE_APPLICATION, **_ecs_labels(row, shape["name"])}
        mode = self._log_mode
        if destination := log_destination(
            shape, account_id=row.account_id, region=row.region, task_id=row.task_id, mode=mode
        ):
            execution = self._execution_context() if self._starting and self._execution_role_arn else None
            if self._starting:
                prepare_log_stream(shape, destination, execution, mode)
            if execution is None or may_write(destination, execution):
                labels[LABEL_LOGS] = destination.to_json()
        image = shape["image"]
        if self._starting:
            image = pinned_image(row, shape)
        spec = container_spec(
            {**shape, "image": image},
            name=task_container_name(row, shape["name"]),
            labels=labels,
            environment=self._environment(shape, access_key) if self._starting else {},
            network_mode=self._network_mode,
            published_at=self._published_at,
            network_of=self._network_of,
            cgroup_of=self._limits_owner,
            pid_mode=self._namespaces.pid_mode,
            ipc_mode=self._namespaces.ipc_mode,
            engine_names={name: task_container_name(row, name) for name in self._shapes},
            mounts=mounts_of(shape, self._definition.get("volumes", ()), volume_naming(row)),
            task_cpu=limits_of(row).cpu,
            task_memory_mib=limits_of(row).memory_mib,
        )
        return self._routed(spec, shape)

    def _routed(self, spec: ContainerSpec, shape: Shape) -> ContainerSpec:
        """The container with what FireLens adds to it."""
        router = firelens.log_router(self._shapes.values())
        if router is None:
            return spec
        volume = _firelens_volume(self._row)
        if shape["name"] != router["name"]:
            forwards_log = firelens.forwarding(shape, volume, self._row.task_id)
            is_linked = forwards_log is not None and self._network_mode == "bridge"
            link = (task_container_name(self._row, router["name"]), router["name"])
            links = (*spec.links, link) if is_linked and link not in spec.links else spec.links
            return replace(spec, forwards_log=forwards_log, links=links)
        files = self._router_files(router) if self._starting else {}
        return replace(spec, mounts=(*spec.mounts, firelens.socket_mount(volume)), files=files)

    def _router_files(self, router: Shape) -> Mapping[str, bytes]:
        """The log router's configuration. Raises CannotInitialize where secrets or its S3 object cannot be had."""
        row, options = self._row, {}
        for name, shape in self._shapes.items():
            if firelens.uses_firelens(shape):
                log = shape["logConfiguration"]
                secrets = log.get("secretOptions", ())
                resolved = resolve_secrets(self._execution_context(), secrets) if secrets else {}
                options[name] = {**log.get("options", {}), **resolved}
        routing = firelens.Routing(
            router=router,
            network_mode=self._network_mode,
            cluster=row.cluster.name,
            task_arn=row.arn,
            task_definition=f"{row.task_definition.family}:{row.task_definition.revision}",
            options=options,
        )
        arn = firelens.external_object(router)
        external = download(self._execution_context(), arn, FIRELENS_FAILED) if arn else None
        return firelens.router_files(routing, external)

    def _environment(self, shape: Shape, access_key: AccessKey | None) -> dict[str, str]:
        injected = injected_environment(
            endpoint=_endpoint(self._network_mode),
            region=self._row.region,
            launch_type=self._row.launch_type,
            network_mode=self._network_mode,
            credentials_id=self._row.credentials_id,
            endpoint_id=endpoint_id(self._row.credentials_id, list(self._shapes).index(shape["name"])),
            has_task_role=bool(self._task_role_arn),
            access_key=access_key,
        )
        if router := firelens.log_router(self._shapes.values()):
            injected |= firelens.environment(shape, router, self._network_mode)
        files = shape.get("environmentFiles", ())
        defined = read_environment_files(self._execution_context(), files) if files else {}
        defined.update({pair["name"]: pair.get("value", "") for pair in shape.get("environment", ())})
        if options := shape.get("logConfiguration", {}).get("secretOptions", ()):
            # The log driver's are had as the container's own: one that cannot be read stops the task.
            resolve_secrets(self._execution_context(), options)
        secrets = shape.get("secrets", ())
        resolved = resolve_secrets(self._execution_context(), secrets) if secrets else {}
        return container_environment(injected, defined, resolved)

    def _access_key(self) -> AccessKey | None:
        """The root user's key of a task without a role; the role's where the task cannot ask for credentials."""
        row, role_arn = self._row, self._task_role_arn
        if not role_arn:
            if not settings.SIMFRA_TASK_ROOT_CREDENTIALS:
                return None
            keys = root_keys(row.account_id)
            return AccessKey(access_key_id=keys.access_key_id, secret_access_key=keys.secret_access_key)
        can_ask = can_ask_for_credentials(self._network_mode)
        try:
            duration_s = None if can_ask else longest_session_seconds(row.account_id, row.region, role_arn)
            credentials = assume_role(row.account_id, row.region, role_arn, row.task_id, duration_s)["Credentials"]
        except AwsError as error:
            raise CannotInitialize(cannot_assume(role_arn)) from error
        if can_ask:
            return None
        return AccessKey(
            access_key_id=credentials["AccessKeyId"],
            secret_access_key=credentials["SecretAccessKey"],
            session_token=credentials["SessionToken"],
        )

    def _is_own_image(self, image: str) -> bool:
        """Whether our registry has the image. Raises ImageUnavailable where the execution role may not pull it."""
        source = image_source(image)
        if source and self._execution_role_arn:
            require_pull(self._execution_context(), source, image)
        return source is not None

    def _credentials(self, shape: Shape) -> RegistryCredentials | None:
        parameter = shape.get("repositoryCredentials", {}).get("credentialsParameter")
        if not parameter or not self._starting:
            return None
        return registry_credentials(self._execution_context(), parameter)

    def _execution_context(self) -> Context:
        if self._execution is None:
            row, role_arn = self._row, self._execution_role_arn
            try:
                self._execution = role_context(row.account_id, row.region, role_arn, row.task_id)
            except AwsError as error:
                raise unavailable_role(role_arn) from error
        return self._execution


def _is_registered(row: Task) -> bool:
    """Whether a task that was asked to stop is still sent to. One that ends by itself is not waited for."""
    is_asked = row.desired_status == DesiredStatus.STOPPED and row.last_stop_code in ("", row.desired_stop_code)
    if not (row.service_name and is_asked) or row.last_status not in (TaskStatus.RUNNING, TaskStatus.DEACTIVATING):
        return False
    return Registration.objects.filter(task_arn=row.arn).exists()


def _firelens_volume(row: Task) -> str:
    """The engine's name of the volume through which output reaches the task's log router."""
    return task_container_name(row, "firelens")


def _attachment(row: Task) -> NetworkAttachment | None:
    if not row.network or row.last_status == TaskStatus.STOPPED:
        return None
    return network_provider().describe(row.account_id, row.region, row.network["interface_id"])


def _pause(row: Task, attachment: NetworkAttachment | None) -> ContainerSpec | None:
    """The owner of what the containers share; None where they share nothing."""
    definition, name = row.task_definition.document, task_container_name(row, _PAUSE)
    labels = {LABEL_KIND: KIND, LABEL_KEY: row.arn}
    if attachment is None:
        is_needed = needs_owner(definition) or limits_of(row).are_shared
        if row.network or row.last_status == TaskStatus.STOPPED or not is_needed:
            return None
        owner = namespace_owner(definition, name=name, image=settings.SIMFRA_SIDECAR_IMAGE, labels=labels)
        return with_limits(owner, limits_of(row))
    pause = pause_container(
        attachment,
        name=name,
        image=settings.SIMFRA_SIDECAR_IMAGE,
        emulator_port=settings.SIMFRA_ENDPOINT_PORT,
        labels=labels,
    )
    controls: dict[str, str] = {}
    for container in definition["containerDefinitions"]:
        controls.update({name: value for name, value in sysctls_of(container).items() if is_of_network(name)})
    # Its own come last: without them nothing is reached.
    connected = service_connect_proxy.deployment_of(row) if is_starting(row) else None
    hosts = service_connect_proxy.hosts_of(connected) if connected else ""
    pause = replace(
        pause,
        sysctls={**controls, **pause.sysctls},
        ipc_mode=owner_ipc_mode(definition),
        environment={**pause.environment, **({"HOSTS": hosts} if hosts else {})},
    )
    return with_limits(pause, limits_of(row))


def _last_failure(kind: str, key: str) -> str:
    """What the last plan of a resource failed with; empty where it did not."""
    failures = PlanRecord.objects.filter(kind=kind, key=key).order_by("-at", "-pk").values_list("failure", flat=True)
    return failures.first() or ""


def _engine_limits() -> EngineLimits:
    return EngineLimits(
        allows_privileged=settings.SIMFRA_ALLOW_PRIVILEGED,
        host_volume_roots=settings.SIMFRA_HOST_VOLUMES,
        architecture=settings.SIMFRA_ARCHITECTURE,
    )


def _ecs_labels(row: Task, container: str) -> dict[str, str]:
    """The labels that ECS's agent gives, which log shippers and monitors read."""
    return {
        "com.amazonaws.ecs.cluster": row.cluster.name,
        "com.amazonaws.ecs.container-name": container,
        "com.amazonaws.ecs.task-arn": row.arn,
        "com.amazonaws.ecs.task-definition-family": row.task_definition.family,
        "com.amazonaws.ecs.task-definition-version": str(row.task_definition.revision),
    }


def _endpoint(network_mode: str) -> str:
    """Where a container reaches Simfra; in a VPC, on the host and on no network that is its own loopback."""
    if network_mode != "bridge":
        return f"http://localhost:{settings.SIMFRA_ENDPOINT_PORT}"
    host, port = emulator_address(settings.SIMFRA_UPLINK_SUBNET, settings.SIMFRA_UPLINK_ENDPOINT, settings.SIMFRA_PORT)
    return f"http://{host}:{port}"


def _stop(code: str, reason: str) -> Stop | None:
    return Stop(code=code, reason=reason) if code else None
