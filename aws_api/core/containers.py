"""What containers should be, what they are, and the steps between: the vocabulary of every ``decide``.

Pure data; ``workers/docker`` is the one implementation of :class:`ContainerRuntime` on Docker, ``tests/support`` has
the scripted fake. Every object carries the labels below, so that it is found again after any restart.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

#: Label names. INSTANCE is on every object of a Simfra instance; KIND and KEY name the reconciled resource.
LABEL_INSTANCE = "simfra.instance"
LABEL_KIND = "simfra.kind"
LABEL_KEY = "simfra.key"
LABEL_ROLE = "simfra.role"
#: JSON of LogDestination: where a container's output goes besides the console's live view.
LABEL_LOGS = "simfra.logs"


# What should be -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A volume or a host path inside a container."""

    source: str
    target: str
    read_only: bool = False
    type: str = "volume"


@dataclass(frozen=True, kw_only=True)
class PortBinding:
    """A container port published on the host; ``host_port`` 0 lets Docker choose, ``last_host_port`` up to there."""

    container_port: int
    host_port: int = 0
    last_host_port: int = 0
    protocol: str = "tcp"
    host_ip: str = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """Docker's health check; times in seconds."""

    command: tuple[str, ...]
    interval_s: float = 30
    timeout_s: float = 5
    retries: int = 3
    start_period_s: float = 0


@dataclass(frozen=True, kw_only=True)
class Device:
    """A device of the host inside a container; ``permissions`` are some of ``rwm``."""

    host_path: str
    container_path: str
    permissions: str = "rwm"


@dataclass(frozen=True, kw_only=True)
class VolumeSpec:
    """A named volume to make; ``driver_options`` are handed to its driver as they are.

    ``size_bytes`` is what it may hold, where the engine can keep it to that.
    """

    name: str
    labels: Mapping[str, str]
    driver: str = "local"
    driver_options: Mapping[str, str] = field(default_factory=dict)
    size_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """A Docker bridge used as pure layer 2 for a VPC: no host address, a hidden backing subnet.

    ``backing_prefix`` is the size of the subnet that the runtime takes from its pool; the runtime reports which one it
    took in ObservedNetwork.subnet.
    """

    name: str
    bridge_name: str
    labels: Mapping[str, str]
    backing_prefix: int = 22


@dataclass(frozen=True, kw_only=True)
class NetworkEndpoint:
    """A place on a network: its name, and the explicit address there (None lets Docker choose)."""

    network: str
    address: str | None = None


@dataclass(frozen=True, kw_only=True)
class LogForwarding:
    """Output that the engine hands on, in fluentd's protocol, to a socket in a volume; it stays readable here too."""

    volume: str
    socket: str
    tag: str
    buffer_events: int | None = None


@dataclass(frozen=True, kw_only=True)
class ContainerSpec:
    """A container to make. Names are deterministic, so that making it twice is one container.

    Memory in bytes, cpu in Docker's shares and nano-CPUs. ``network_of`` names the container whose network namespace is
    joined; it excludes ``endpoints``. ``cgroup_of`` names the container within whose limits this one stays, where the
    engine can nest them. ``pid_mode`` and ``ipc_mode`` are Docker's: ``host``, ``container:<name>``, and ``shareable``
    for who is joined. ``links`` are pairs of a container's name and its alias, ``volumes_from`` of a
    container's name and whether it is read only. ``swap_bytes`` is what may be swapped out beyond the memory.
    """

    name: str
    image: str
    labels: Mapping[str, str]
    command: tuple[str, ...] | None = None
    entry_point: tuple[str, ...] | None = None
    #: Has secrets in it: never printed.
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    working_directory: str | None = None
    user: str | None = None
    hostname: str | None = None
    endpoints: tuple[NetworkEndpoint, ...] = ()
    network_of: str | None = None
    cgroup_of: str | None = None
    network_mode: str | None = None
    ports: tuple[PortBinding, ...] = ()
    mounts: tuple[Mount, ...] = ()
    capabilities_add: tuple[str, ...] = ()
    capabilities_drop: tuple[str, ...] = ()
    sysctls: Mapping[str, str] = field(default_factory=dict)
    ulimits: tuple[tuple[str, int, int], ...] = ()
    extra_hosts: Mapping[str, str] = field(default_factory=dict)
    links: tuple[tuple[str, str], ...] = ()
    dns_servers: tuple[str, ...] = ()
    dns_search_domains: tuple[str, ...] = ()
    volumes_from: tuple[tuple[str, bool], ...] = ()
    devices: tuple[Device, ...] = ()
    security_options: tuple[str, ...] = ()
    pid_mode: str | None = None
    ipc_mode: str | None = None
    cpu_shares: int | None = None
    nano_cpus: int | None = None
    memory_bytes: int | None = None
    memory_reservation_bytes: int | None = None
    swap_bytes: int | None = None
    swappiness: int | None = None
    shared_memory_bytes: int | None = None
    tmpfs: Mapping[str, str] = field(default_factory=dict)
    init: bool = False
    read_only: bool = False
    privileged: bool = False
    interactive: bool = False
    terminal: bool = False
    health_check: HealthCheck | None = None
    #: What READY in the container's first output stands for: starting waits for it, at most this long.
    ready_within_s: float | None = None
    #: Files put into the container before it starts, by path; may have secrets in them.
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    forwards_log: LogForwarding | None = None


@dataclass(frozen=True, kw_only=True)
class RegistryCredentials:
    """What a registry wants to see before it hands out an image."""

    username: str
    password: str = field(repr=False)


# What is --------------------------------------------------------------------------------------------------------------


class ContainerState(StrEnum):
    """Docker's own words."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    REMOVING = "removing"
    EXITED = "exited"
    DEAD = "dead"


@dataclass(frozen=True, kw_only=True)
class ObservedContainer:
    """A container as Docker reported it in one moment. ``health`` is starting, healthy, unhealthy or None.

    ``health_output`` is what the last check printed.
    """

    id: str
    name: str
    image: str
    state: ContainerState
    labels: Mapping[str, str]
    image_id: str = ""
    exit_code: int | None = None
    error: str = ""
    out_of_memory: bool = False
    health: str | None = None
    health_output: str = ""
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    addresses: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[PortBinding, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ObservedNetwork:
    """A network as Docker reported it."""

    id: str
    name: str
    subnet: str
    labels: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class ObservedVolume:
    """A volume as Docker reported it."""

    name: str
    labels: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class ObservedImage:
    """An image on the engine. ``digest`` is the manifest's, where known."""

    id: str
    digest: str = ""


@dataclass(frozen=True, kw_only=True)
class ObservedEngine:
    """The engine itself; ``architecture`` is ECS's word (``x86_64``, ``arm64``)."""

    id: str
    name: str
    version: str
    operating_system: str
    architecture: str
    cpus: int
    memory_bytes: int


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What a controller wants to see: containers by labels, networks and volumes by name, images by reference.

    Without labels it wants no containers.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    networks: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    engine: bool = False


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One snapshot of the engine within a scope. What is absent is not in ``images`` and ``volumes``."""

    containers: tuple[ObservedContainer, ...] = ()
    networks: tuple[ObservedNetwork, ...] = ()
    images: Mapping[str, ObservedImage] = field(default_factory=dict)
    volumes: tuple[str, ...] = ()
    engine: ObservedEngine | None = None

    def container(self, name: str) -> ObservedContainer | None:
        return next((container for container in self.containers if container.name == name), None)

    def network(self, name: str) -> ObservedNetwork | None:
        return next((network for network in self.networks if network.name == name), None)


# The steps between ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Step:
    """One Docker call with the cause a user can read. ``str()`` is ``StartContainer app: its image is here``."""

    cause: str

    @property
    def subject(self) -> str:
        """What the step acts on, as people know it."""
        raise NotImplementedError

    def __str__(self) -> str:
        return f"{type(self).__name__} {self.subject}: {self.cause}"


@dataclass(frozen=True, kw_only=True)
class PullFault:
    """What goes wrong with a pull on purpose (faults.py): it fails for a reason, or begins late."""

    fault_id: str
    reason: str = ""
    delay_s: float = 0


@dataclass(frozen=True, kw_only=True)
class PullImage(Step):
    """Bring an image to the engine, from our registry or another."""

    image: str
    account_id: str
    region: str
    credentials: RegistryCredentials | None = None
    fault: PullFault | None = None

    @property
    def subject(self) -> str:
        return self.image


@dataclass(frozen=True, kw_only=True)
class CreateNetwork(Step):
    spec: NetworkSpec

    @property
    def subject(self) -> str:
        return self.spec.name


@dataclass(frozen=True, kw_only=True)
class RemoveNetwork(Step):
    name: str

    @property
    def subject(self) -> str:
        return self.name


@dataclass(frozen=True, kw_only=True)
class CreateVolume(Step):
    spec: VolumeSpec
    #: The name people know it by, where Docker's is longer.
    alias: str = ""

    @property
    def subject(self) -> str:
        return self.alias or self.spec.name


@dataclass(frozen=True, kw_only=True)
class RemoveVolume(Step):
    """Remove a volume with what is in it."""

    name: str
    alias: str = ""

    @property
    def subject(self) -> str:
        return self.alias or self.name


@dataclass(frozen=True, kw_only=True)
class CreateContainer(Step):
    spec: ContainerSpec
    #: The name people know it by, where Docker's is longer.
    alias: str = ""

    @property
    def subject(self) -> str:
        return self.alias or self.spec.name


@dataclass(frozen=True, kw_only=True)
class StartContainer(Step):
    name: str
    alias: str = ""
    ready_within_s: float | None = None

    @property
    def subject(self) -> str:
        return self.alias or self.name


@dataclass(frozen=True, kw_only=True)
class StopContainer(Step):
    """SIGTERM, then SIGKILL after ``timeout_s``. The executor does not wait for it: the engine's event comes back."""

    name: str
    timeout_s: int
    alias: str = ""

    @property
    def subject(self) -> str:
        return self.alias or self.name


@dataclass(frozen=True, kw_only=True)
class KillContainer(Step):
    """SIGKILL at once: somebody asked for it to fail, not to stop."""

    name: str
    alias: str = ""

    @property
    def subject(self) -> str:
        return self.alias or self.name


@dataclass(frozen=True, kw_only=True)
class ExhaustMemory(Step):
    """Let a container run out of memory, so that the kernel kills it."""

    name: str
    alias: str = ""

    @property
    def subject(self) -> str:
        return self.alias or self.name


@dataclass(frozen=True, kw_only=True)
class RemoveContainer(Step):
    name: str
    alias: str = ""

    @property
    def subject(self) -> str:
        return self.alias or self.name


@dataclass(frozen=True, kw_only=True)
class ConfigureContainer(Step):
    """Hand a sidecar its configuration (JSON) over its control port; it applies all of it or nothing."""

    name: str
    configuration: Mapping[str, Any]
    alias: str = ""

    @property
    def subject(self) -> str:
        return self.alias or self.name


@dataclass(frozen=True, kw_only=True)
class AwaitResource(Step):
    """Nothing to do until another resource is ready: kick it; it kicks back by its StateChange, else the sweep does."""

    kind: str
    key: str

    @property
    def subject(self) -> str:
        return f"{self.kind} {self.key}"


@dataclass(frozen=True, kw_only=True)
class OwnStep(Step):
    """A step on rows or on another service instead of on the engine: the controller takes it (reconcile.StepTaker)."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Steps in order, possibly none, and when to look again without being kicked (seconds; None: when kicked)."""

    steps: tuple[Step, ...] = ()
    look_again_s: float | None = None

    def __str__(self) -> str:
        return "\n".join(str(step) for step in self.steps)

    def __bool__(self) -> bool:
        return bool(self.steps)


@dataclass(frozen=True, kw_only=True)
class StepFailure:
    """A step that did not work, with the engine's reason worded for people (``CannotPullContainerError: ...``)."""

    step: Step
    reason: str


# The port -------------------------------------------------------------------------------------------------------------


class RuntimeFailure(Exception):
    """The engine refused or failed a step; the message is its reason, worded as ECS words it."""


class RuntimeUnreachable(RuntimeFailure):
    """No container engine answers."""


@dataclass(frozen=True, kw_only=True)
class PullProgress:
    """How far one layer is. ``total_bytes`` is 0 while unknown."""

    layer: str
    status: str
    done_bytes: int
    total_bytes: int


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """One line of a container's output; ``at_ns`` is Docker's timestamp in nanoseconds since 1970."""

    at_ns: int
    stream: str
    message: str


@dataclass(frozen=True, kw_only=True)
class RuntimeEvent:
    """Something happened to an object of ours; carries the key to kick and no meaning."""

    kind: str
    key: str
    container_id: str
    action: str
    at_ns: int


class ContainerRuntime(Protocol):
    """A container engine. Methods raise RuntimeFailure with a reason a user can read; repeating one is harmless."""

    def observe(self, scope: Scope) -> Observation: ...
    def pull_image(
        self, image: str, credentials: RegistryCredentials | None, progress: Callable[[PullProgress], None]
    ) -> ObservedImage: ...
    def load_image(self, image: str, archive: Iterable[bytes]) -> ObservedImage: ...
    def create_network(self, spec: NetworkSpec) -> ObservedNetwork: ...
    def remove_network(self, name: str) -> None: ...
    def create_volume(self, spec: VolumeSpec) -> None: ...
    def remove_volume(self, name: str) -> None: ...
    def create_container(self, spec: ContainerSpec) -> str: ...
    def start_container(self, name: str, ready_within_s: float | None = None) -> None: ...
    def stop_container(self, name: str, timeout_s: int) -> None: ...
    def kill_container(self, name: str) -> None: ...
    def exhaust_memory(self, name: str) -> None: ...
    def remove_container(self, name: str) -> None: ...
    def configure_container(self, name: str, configuration: Mapping[str, Any]) -> None: ...
    def logs(self, name: str, since_ns: int, follow: bool) -> Iterator[LogLine]: ...
    def statistics(self, name: str) -> Mapping[str, Any] | None: ...
    def written_bytes(self, name: str) -> int | None: ...
    def events(self, since_ns: int) -> Iterator[RuntimeEvent]: ...
    def find_containers(self, labels: Mapping[str, str]) -> Sequence[ObservedContainer]: ...
    def find_networks(self, labels: Mapping[str, str]) -> Sequence[ObservedNetwork]: ...
    def find_volumes(self, labels: Mapping[str, str]) -> Sequence[ObservedVolume]: ...
