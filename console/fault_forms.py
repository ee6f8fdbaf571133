"""Making a fault from a form: presets to begin with, and what people put into it as the admin API takes it."""

from collections.abc import Mapping
from typing import Any

import orjson
from django import forms

from console.api.faults import NewFault
from console.scope import Scope

#: What people choose from, by heading: an effect as the admin API takes it.
PRESETS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "AWS calls": {
        "Throttle": {"type": "throttle"},
        "Fail: InternalFailure": {"type": "error"},
        "Fail: ServiceUnavailable": {"type": "error", "code": "ServiceUnavailable"},
        "Answer 2 s later": {"type": "latency", "latency_ms": 2000, "jitter_ms": 500},
        "Never answer": {"type": "timeout"},
    },
    "Tasks": {
        "Kill a container": {"type": "kill"},
        "Kill a container within 5 minutes": {"type": "kill", "within_s": 300},
        "Run out of memory": {"type": "out-of-memory"},
        "Fail to pull": {"type": "pull-failure"},
        "Pull a minute late": {"type": "pull-delay", "delay_s": 60},
        "Fail health checks": {"type": "unhealthy"},
        "Interrupt Spot": {"type": "spot-interruption"},
    },
    "Network": {
        "Cut off": {"type": "network-cut"},
        "100 ms slower": {"type": "network-latency", "latency_ms": 100, "jitter_ms": 20},
        "Lose a tenth": {"type": "network-packet-loss", "loss": 0.1},
    },
    "Capacity": {
        "Lose the zone a": {"type": "availability-zone-loss", "zone": "{region}a"},
        "Lose the container instance": {"type": "container-instance-loss"},
    },
}
_NAMES = ("service", "operation", "resource", "cluster", "task", "container", "image")


class FaultForm(forms.Form):
    """A new fault."""

    preset = forms.ChoiceField(label="What happens")
    effect = forms.CharField(
        required=False, max_length=2000, label="Or, as JSON", help_text='{"type": "error", "code": "Broken"}'
    )
    service = forms.CharField(required=False, max_length=2048, help_text="sqs; of tasks: their ECS service")
    operation = forms.CharField(required=False, max_length=128, help_text="SendMessage, or Describe*")
    resource = forms.CharField(required=False, max_length=2048, help_text="A call's: a name or an ARN")
    cluster = forms.CharField(required=False, max_length=2048)
    task = forms.CharField(required=False, max_length=2048, help_text="Its id or ARN")
    container = forms.CharField(required=False, max_length=255)
    image = forms.CharField(required=False, max_length=512)
    everywhere = forms.BooleanField(required=False, label="In every region")
    probability = forms.FloatField(min_value=0, max_value=1, initial=1, help_text="From 0 to 1")
    times = forms.IntegerField(required=False, min_value=1, help_text="Empty: as often as it matches")
    minutes = forms.FloatField(min_value=0.1, max_value=7 * 1440, initial=15, label="Ends after minutes")

    def __init__(self, scope: Scope, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._scope = scope
        self.presets: dict[str, Mapping[str, Any]] = {}
        choices = []
        for heading, effects in PRESETS.items():
            self.presets |= {name: _in_region(effect, scope.region) for name, effect in effects.items()}
            choices.append((heading, [(name, name) for name in effects]))
        preset: Any = self.fields["preset"]
        preset.choices = choices

    def wanted(self) -> dict[str, Any]:
        """What the admin API would be sent. Raises ValueError for an effect that is no JSON."""
        given = self.cleaned_data
        effect = dict(self.presets[given["preset"]])
        if given["effect"]:
            effect = orjson.loads(given["effect"])
        region = {} if given["everywhere"] else {"region": self._scope.region}
        names = {name: given[name] for name in _NAMES if given[name]}
        return {
            "scope": {"accountId": self._scope.account_id, **region, **names},
            "effect": effect,
            "probability": given["probability"],
            "times": given["times"],
            "expiresIn_s": given["minutes"] * 60,
        }


def checked(wanted: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """What is wanted, as ``console.api.faults.create`` takes it; or why it cannot be."""
    asked = NewFault(data=wanted)
    if asked.is_valid():
        return dict(asked.validated_data), ""
    return {}, "; ".join(_problems(asked.errors))


def _problems(errors: Any) -> list[str]:
    if isinstance(errors, Mapping):
        return [problem for inner in errors.values() for problem in _problems(inner)]
    if isinstance(errors, list):
        return [problem for inner in errors for problem in _problems(inner)]
    return [str(errors)]


def _in_region(effect: Mapping[str, Any], region: str) -> Mapping[str, Any]:
    return {name: value.format(region=region) if isinstance(value, str) else value for name, value in effect.items()}
