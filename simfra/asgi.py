"""The one ASGI entry: /_simfra/* and the console's pages go to Django and Channels, everything else is AWS traffic.

The gateway serves port 4599 (uvicorn), the console its own port (Daphne); both load this module, so that either port
answers everything.
"""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "simfra.settings")

from django.core.asgi import get_asgi_application

django_application = get_asgi_application()

from aws_api.gateway.app import Gateway  # noqa: E402 - Django must be set up first
from console.routing import console_application  # noqa: E402

application = Gateway(own_application=console_application(django_application))
