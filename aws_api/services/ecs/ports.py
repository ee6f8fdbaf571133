"""ECS's part in authorisation, port forwards and instances: a task's credentials end with it, as does the way to it."""

from aws_api.core.authorization import register_authorizer
from aws_api.core.instances import register_instance_finder
from aws_api.core.port_forwards import register_target_provider
from aws_api.core.session_resumption import register_sessions
from aws_api.services.ecs import service_connect_data_plane, utilization
from aws_api.services.ecs.exec import cleanup
from aws_api.services.ecs.exec.resumption import find_session
from aws_api.services.ecs.faults import controller
from aws_api.services.ecs.forward_targets import EcsTargets
from aws_api.services.ecs.instance_address import find_instance_address
from aws_api.services.ecs.task_sessions import task_sessions

#: Imported for the chores, the controller and the data plane that they register.
__all__ = ["cleanup", "controller", "service_connect_data_plane", "utilization"]

register_authorizer(task_sessions)
register_target_provider(EcsTargets())
register_instance_finder(find_instance_address)
register_sessions(find_session)
