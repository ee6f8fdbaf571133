"""ECS's part in authorisation: the credentials of tasks end with them."""

from aws_api.core.authorization import register_authorizer
from aws_api.services.ecs.task_sessions import task_sessions

register_authorizer(task_sessions)
