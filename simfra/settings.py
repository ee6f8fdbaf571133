"""Every setting of Simfra, each from one environment variable. `manage.py up` fills the variables of its processes."""

import os
import platform
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import platformdirs

from aws_api.core.service import service_apps
from simfra.celery import app as celery_app  # noqa: F401 - whoever has these settings sends jobs through it

BASE_DIR = Path(__file__).resolve().parent.parent


def _flag(name: str, default: bool) -> bool:
    value = os.environ.get(name, "")
    return value.lower() in ("1", "true", "yes", "on") if value else default


def _port_range(name: str, default: str) -> tuple[int, int]:
    """``10000-10099`` as the first and the last port."""
    first, _, last = (os.environ.get(name) or default).partition("-")
    return int(first), int(last or first)


def _url_parts(url: str) -> dict[str, object]:
    """The parts of ``postgresql://user:password@host:port/name`` as Django's DATABASES wants them.

    ``?host=/directory`` names the directory of a Unix socket, as libpq's URLs do.
    """
    parts = urlsplit(url)
    socket_directory = parse_qs(parts.query).get("host", [None])[0]
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/") or "simfra",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": socket_directory or parts.hostname or "127.0.0.1",
        "PORT": str(parts.port or 5432),
    }


# Where state lives and who this instance is -------------------------------------------------------------------------

SIMFRA_DATA_DIR = Path(os.environ.get("SIMFRA_DATA_DIR") or platformdirs.user_data_dir("simfra", appauthor=False))
#: Marks every Docker object of this instance, so that several live side by side on one engine.
SIMFRA_INSTANCE = os.environ.get("SIMFRA_INSTANCE", "default")
DATABASE_URL = os.environ.get("DATABASE_URL", "postgresql://simfra@127.0.0.1:5432/simfra")
REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")
#: `disk`: an answered write is on disk. `process`: it survives kill -9 of any process, not a power cut.
SIMFRA_DURABILITY = os.environ.get("SIMFRA_DURABILITY", "disk")

# The AWS endpoint ---------------------------------------------------------------------------------------------------

SIMFRA_HOST = os.environ.get("SIMFRA_HOST", "127.0.0.1")
SIMFRA_PORT = int(os.environ.get("SIMFRA_PORT", "4599"))
SIMFRA_CONSOLE_PORT = int(os.environ.get("SIMFRA_CONSOLE_PORT", "4600"))
#: The endpoint as its users write it; tasks reach its port on their own localhost, whatever port Simfra listens on.
SIMFRA_ENDPOINT = os.environ.get("SIMFRA_ENDPOINT", f"http://localhost:{SIMFRA_PORT}")
SIMFRA_ENDPOINT_PORT = urlsplit(SIMFRA_ENDPOINT).port or 80
SIMFRA_DEFAULT_ACCOUNT_ID = os.environ.get("SIMFRA_DEFAULT_ACCOUNT_ID", "000000000000")
SIMFRA_DEFAULT_REGION = os.environ.get("SIMFRA_DEFAULT_REGION", "us-east-1")
#: AWS's documentation pair, so that users of the reference system keep their configuration.
SIMFRA_ROOT_ACCESS_KEY_ID = os.environ.get("SIMFRA_ROOT_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
SIMFRA_ROOT_SECRET_ACCESS_KEY = os.environ.get(
    "SIMFRA_ROOT_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)
#: `relaxed` lets callers on loopback use the key `test` or an account id unsigned-checked; tasks are always verified.
SIMFRA_AUTH = os.environ.get("SIMFRA_AUTH") or ("relaxed" if SIMFRA_HOST in ("127.0.0.1", "localhost") else "strict")
SIMFRA_ADMIN_TOKEN = os.environ.get("SIMFRA_ADMIN_TOKEN", "")
#: Whether people log in to the console and programs need tokens for the admin API: on a shared server.
SIMFRA_LOGIN = _flag("SIMFRA_LOGIN", SIMFRA_HOST not in ("127.0.0.1", "localhost"))
#: Origins of web pages that may call the endpoint, besides those of this machine.
SIMFRA_CORS_ORIGINS = [origin for origin in os.environ.get("SIMFRA_CORS_ORIGINS", "").split(",") if origin]
#: The largest body of the APIs is a layer part of 20 MiB, as base64 in JSON.
SIMFRA_MAX_BODY_BYTES = int(os.environ.get("SIMFRA_MAX_BODY_BYTES", str(32 * 1024 * 1024)))

# Docker -------------------------------------------------------------------------------------------------------------

#: Whether tasks run as containers. `manage.py up` sets it to whether an engine answers.
SIMFRA_DOCKER = _flag("SIMFRA_DOCKER", True)
#: Why there is no Docker, as `manage.py up` found it; the reason a task stops with.
SIMFRA_DOCKER_PROBLEM = os.environ.get("SIMFRA_DOCKER_PROBLEM", "")
SIMFRA_SIDECAR_IMAGE = os.environ.get("SIMFRA_SIDECAR_IMAGE", "simfra-sidecar:1")
#: The network between VPC gateways and Simfra; its gateway address is where containers reach port 4599.
SIMFRA_UPLINK_SUBNET = os.environ.get("SIMFRA_UPLINK_SUBNET", "198.19.0.0/20")
#: The hidden pool that VPC bridges take their backing subnets from.
SIMFRA_BACKING_SUBNETS = os.environ.get("SIMFRA_BACKING_SUBNETS", "100.80.0.0/12")
#: How containers reach the gateway, where that is not the uplink's gateway address (Simfra in Compose).
SIMFRA_UPLINK_ENDPOINT = os.environ.get("SIMFRA_UPLINK_ENDPOINT", "")
#: Whether a task without a task role has the account's root keys in its environment.
SIMFRA_TASK_ROOT_CREDENTIALS = _flag("SIMFRA_TASK_ROOT_CREDENTIALS", True)
#: The host's ports at which people ask the resolvers of VPCs, first and last: ``dig @127.0.0.1 -p 10000 web.local``.
SIMFRA_DNS_PORT_RANGE = _port_range("SIMFRA_DNS_PORT_RANGE", "10000-10099")
#: The host's ports that published addresses of VPCs get, where theirs is not free (aws_api/core/host_ports.py).
SIMFRA_HOST_PORT_RANGES = {
    "elbv2": _port_range("SIMFRA_ELBV2_PORT_RANGE", "10200-10299"),
    "public": _port_range("SIMFRA_PUBLIC_PORT_RANGE", "11700-11799"),
    "port-forwards": _port_range("SIMFRA_PORT_FORWARDS_PORT_RANGE", "11800-11899"),
}
#: Whether published addresses get the port that they have in the VPC, where that is free. False in Compose, where the
#: host forwards the ranges alone.
SIMFRA_SAME_HOST_PORTS = _flag("SIMFRA_SAME_HOST_PORTS", True)
#: Whether only what AWS would make public is reachable from the host. False: every port of every task is.
SIMFRA_VPC_ISOLATION = _flag("SIMFRA_VPC_ISOLATION", True)
#: How many network namespaces are kept ready for the next tasks in each subnet that has tasks.
SIMFRA_SPARE_NAMESPACES = int(os.environ.get("SIMFRA_SPARE_NAMESPACES", "0"))
#: When tasks ask registries for images that the engine has, in the words of ECS's agent: default, always, once or
#: prefer-cached. Unset: Simfra's own registry is asked for every task, others' images are taken as the engine has them.
SIMFRA_IMAGE_PULL_BEHAVIOR = os.environ.get("SIMFRA_IMAGE_PULL_BEHAVIOR", "")
#: Whether public images are copied into Simfra's registry on their way to the engine.
SIMFRA_PULL_THROUGH = _flag("SIMFRA_PULL_THROUGH", True)
#: Where volumes with a size are: disk (kept to it where the engine's disk has quotas) or memory (kept to it always).
SIMFRA_SIZED_VOLUMES = os.environ.get("SIMFRA_SIZED_VOLUMES", "disk")
#: Whether task definitions may have privileged containers and devices of the host.
SIMFRA_ALLOW_PRIVILEGED = _flag("SIMFRA_ALLOW_PRIVILEGED", False)
#: Folders of the engine's host that volumes with a sourcePath may be in, separated by colons.
SIMFRA_HOST_VOLUMES = [root for root in os.environ.get("SIMFRA_HOST_VOLUMES", "").split(":") if root]
#: The engine's processor as ECS calls it: x86_64 or arm64.
SIMFRA_ARCHITECTURE = os.environ.get("SIMFRA_ARCHITECTURE") or (
    "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
)
#: How many times its processors and memory the engine's container instance offers to tasks of launch type EC2.
SIMFRA_INSTANCE_OVERCOMMIT = float(os.environ.get("SIMFRA_INSTANCE_OVERCOMMIT", "4"))
#: How long a service's task that nothing checks must have run before it counts as healthy, in seconds. ECS takes 40.
SIMFRA_TASK_WARM_UP_S = float(os.environ.get("SIMFRA_TASK_WARM_UP_S", "3"))
#: How long stopped tasks stay visible, in seconds.
SIMFRA_SQS_DELETION_COOL_DOWN_S = int(os.environ.get("SIMFRA_SQS_DELETION_COOL_DOWN_S", "0"))
SIMFRA_STOPPED_TASK_RETENTION_S = int(os.environ.get("SIMFRA_STOPPED_TASK_RETENTION_S", "3600"))

# Django -------------------------------------------------------------------------------------------------------------

SECRET_KEY = os.environ.get("SIMFRA_SECRET_KEY", "only-for-tests-and-commands-that-serve-nobody")
DEBUG = _flag("SIMFRA_DEBUG", False)
#: Seals secrets at rest; `manage.py up` makes one per data directory.
SIMFRA_ENCRYPTION_KEY_FILE = os.environ.get("SIMFRA_ENCRYPTION_KEY_FILE", "")
ALLOWED_HOSTS = os.environ.get("SIMFRA_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1],simfra.local").split(",")
ROOT_URLCONF = "simfra.urls"
ASGI_APPLICATION = "simfra.asgi.application"
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SILENCED_SYSTEM_CHECKS: list[str] = []

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "axes",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "aws_api.core",
    "workers",
    "console",
    *service_apps(),
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "console.middleware.content_security_policy",
    "console.middleware.not_for_tasks",
    "console.access_control.access_control",
    "axes.middleware.AxesMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "console.context_processors.page",
            ],
        },
    }
]

DATABASES = {
    "default": {
        **_url_parts(DATABASE_URL),
        # One pool per process, as large as the executor that runs operations (aws_api.core.execution).
        # Each connection costs Postgres 2 to 3 MB, so what a burst opened is given back soon.
        "OPTIONS": {"pool": {"min_size": 1, "max_size": 24, "timeout": 30, "max_idle": 30}},
        "CONN_HEALTH_CHECKS": True,
    }
}

STATIC_URL = "/_simfra/static/"
# npm packages, served as they are from where package-lock.json installs them.
STATICFILES_DIRS = [
    (f"vendor/{package}", directory)
    for package, directory in (
        ("htmx", BASE_DIR / "node_modules" / "htmx.org" / "dist"),
        ("xterm", BASE_DIR / "node_modules" / "@xterm" / "xterm" / "lib"),
        ("xterm/css", BASE_DIR / "node_modules" / "@xterm" / "xterm" / "css"),
        ("uplot", BASE_DIR / "node_modules" / "uplot" / "dist"),
        ("xterm/fit", BASE_DIR / "node_modules" / "@xterm" / "addon-fit" / "lib"),
    )
    if directory.is_dir()
]
WHITENOISE_USE_FINDERS = True
# Files are looked at when they are asked for: one that changed under a running product is served with its own length.
WHITENOISE_AUTOREFRESH = True
# Where nobody logs in, a session holds the chosen account and region alone: no database round trip for it.
SESSION_ENGINE = f"django.contrib.sessions.backends.{'db' if SIMFRA_LOGIN else 'signed_cookies'}"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_POOL = "threads"  # the work waits on Docker
CELERY_WORKER_CONCURRENCY = int(os.environ.get("SIMFRA_WORKER_THREADS", "16"))
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False  # LOGGING below is for every process
CELERY_TASK_DEFAULT_QUEUE = f"simfra-{SIMFRA_INSTANCE}"

# People --------------------------------------------------------------------------------------------------------------

LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "/"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}Validator"}
    for name in ("UserAttributeSimilarity", "MinimumLength", "CommonPassword", "NumericPassword")
]
# Five wrong passwords for a name from one address: five minutes of rest.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=5)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_VERBOSE = False
# An OpenID provider, where one is named. https://mozilla-django-oidc.readthedocs.io/en/stable/installation.html
OIDC_RP_CLIENT_ID = os.environ.get("SIMFRA_OIDC_CLIENT_ID", "")
OIDC_RP_CLIENT_SECRET = os.environ.get("SIMFRA_OIDC_CLIENT_SECRET", "")
OIDC_RP_SIGN_ALGO = "RS256"
OIDC_OP_AUTHORIZATION_ENDPOINT = os.environ.get("SIMFRA_OIDC_AUTHORIZATION_ENDPOINT", "")
OIDC_OP_TOKEN_ENDPOINT = os.environ.get("SIMFRA_OIDC_TOKEN_ENDPOINT", "")
OIDC_OP_USER_ENDPOINT = os.environ.get("SIMFRA_OIDC_USER_ENDPOINT", "")
OIDC_OP_JWKS_ENDPOINT = os.environ.get("SIMFRA_OIDC_JWKS_ENDPOINT", "")
#: What a user whom the provider vouches for may do at first, in every account: viewer, operator, admin or nothing.
SIMFRA_OIDC_ROLE = os.environ.get("SIMFRA_OIDC_ROLE", "")
if OIDC_RP_CLIENT_ID:
    INSTALLED_APPS.append("mozilla_django_oidc")
    AUTHENTICATION_BACKENDS.append("console.oidc.OpenIdBackend")

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],  # console/access_control.py has asked already
    "EXCEPTION_HANDLER": "console.api.errors.as_error_member",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Simfra's admin API",
    "DESCRIPTION": "Accounts, snapshots, waiting, faults, the clock and what was called: for test suites and scripts.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/_simfra",
    "PREPROCESSING_HOOKS": ["console.api.schema.own_paths"],
    "POSTPROCESSING_HOOKS": ["console.api.schema.with_problems"],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)-7s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    # Two lines a job, every five seconds and at every kick, would bury what matters.
    "loggers": {"celery": {"level": os.environ.get("SIMFRA_LOG_LEVEL", "WARNING")}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("SIMFRA_LOG_LEVEL", "INFO")},
}
