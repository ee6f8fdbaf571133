"""A task as its reconciler knows it: what should be, and what earlier rounds wrote down. Frozen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from aws_api.core.containers import ContainerSpec, PullFault, RegistryCredentials, VolumeSpec


class Condition(StrEnum):
    """What a container may wait for in another."""

    START = "START"
    COMPLETE = "COMPLETE"
    SUCCESS = "SUCCESS"
    HEALTHY = "HEALTHY"


class StopCode(StrEnum):
    """Why a task stopped, in AWS's words."""

    TASK_FAILED_TO_START = "TaskFailedToStart"
    ESSENTIAL_CONTAINER_EXITED = "EssentialContainerExited"
    USER_INITIATED = "UserInitiated"
    SERVICE_SCHEDULER_INITIATED = "ServiceSchedulerInitiated"
    SPOT_INTERRUPTION = "SpotInterruption"
    TERMINATION_NOTICE = "TerminationNotice"


@dataclass(frozen=True, kw_only=True)
class Stop:
    """A task's end: stopCode and stoppedReason."""

    code: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Dependency:
    """``dependsOn``: the container must have reached the condition first."""

    container: str
    condition: Condition


@dataclass(frozen=True, kw_only=True)
class RestartPolicy:
    """When a container that ended is started again: it ran for so long, and ended with none of these exit codes."""

    attempt_period_s: int
    ignored_exit_codes: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ContainerRecord:
    """What was last seen of a container; written by the controller alone.

    ``failure`` is why it could not be created or started; ``restarts`` is how often its policy started it again.
    """

    status: str = "PENDING"
    started: bool = False
    failure: str = ""
    runtime_id: str = ""
    image_digest: str = ""
    exit_code: int | None = None
    reason: str = ""
    out_of_memory: bool = False
    restarts: int = 0
    health: str = "UNKNOWN"
    health_output: str = ""
    bindings: tuple[Mapping[str, object], ...] = ()
    started_at: datetime | None = None
    created_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ContainerPart:
    """One container of a task. ``asks_registry``: its image is asked for also where the engine has one of its
    name, which may be older.

    ``dependencies`` are those of ``dependsOn``, ``links`` and ``volumesFrom``. ``pull_fault`` and ``fails_checks`` are
    what faults do to it: its pull goes wrong, its health checks fail.
    """

    name: str
    spec: ContainerSpec
    essential: bool = True
    asks_registry: bool = False
    credentials: RegistryCredentials | None = None
    dependencies: tuple[Dependency, ...] = ()
    start_timeout_s: int | None = None
    stop_timeout_s: int = 30
    has_health_check: bool = False
    restart: RestartPolicy | None = None
    pull_fault: PullFault | None = None
    fails_checks: bool = False
    record: ContainerRecord = field(default_factory=ContainerRecord)


@dataclass(frozen=True, kw_only=True)
class NetworkWait:
    """The network that is not made yet: the resource to await, and why it could not be made when that was tried."""

    kind: str
    key: str
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class TaskVolume:
    """A volume that a task makes where it is not there. ``own``: it goes with the task.

    ``must_exist``: somebody else makes it, and without it the task cannot start.
    """

    name: str
    spec: VolumeSpec
    own: bool
    must_exist: bool = False


@dataclass(frozen=True, kw_only=True)
class TaskSpec:
    """A task. ``containers`` are in start order, each after all that it depends on.

    ``desired_stop`` is what an operation asked for, ``last_stop`` what was decided in an earlier round. ``problem`` is
    why it cannot be started at all (secrets, roles, log groups). ``pause`` owns the namespaces that its containers
    share; it is None where they share none, and while ``awaits`` says what network is missing. ``is_held``: its
    containers are kept when it has stopped, to be looked at. ``is_registered``: it was asked to stop, and load
    balancers or service discovery still send to it: its containers go on until its service has taken it out.
    """

    arn: str
    account_id: str
    region: str
    version: int
    created_at: datetime
    loaded_at: datetime
    last_status: str
    containers: tuple[ContainerPart, ...]
    volumes: tuple[TaskVolume, ...] = ()
    desired_stop: Stop | None = None
    last_stop: Stop | None = None
    problem: str = ""
    is_held: bool = False
    is_registered: bool = False
    shares_namespaces: bool = False
    awaits: NetworkWait | None = None
    pause: ContainerSpec | None = None
    pause_name: str = ""
    pause_started: bool = False
