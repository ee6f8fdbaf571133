"""STS's part in authorisation: it knows the caller of a temporary key."""

from aws_api.core.authorization import register_credential_store
from aws_api.services.sts.sessions import SessionStore

register_credential_store(SessionStore())
