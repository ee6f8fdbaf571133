from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "aws_api.core"
    label = "core"
