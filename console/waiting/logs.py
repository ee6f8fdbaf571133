"""Log lines that were seen."""

from dataclasses import dataclass

from console.waiting.condition import Condition, Seen

#: Pages of events that one look reads; what they do not have is found by the next.
MAX_PAGES = 20


@dataclass(frozen=True, kw_only=True)
class LineIsLogged(Condition):
    """A log group has an event that matches a filter pattern of CloudWatch's, since a time (milliseconds).

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
    """

    group: str
    pattern: str
    since_ms: int = 0

    services = frozenset({"logs"})

    @property
    def topic(self) -> str:
        return f"logs.{self.account_id}.{self.region}.{self.group}"

    async def seen(self) -> Seen:
        asked = {"logGroupName": self.group, "filterPattern": self.pattern, "startTime": self.since_ms, "limit": 1}
        for _ in range(MAX_PAGES):
            answer = await self.call("logs", "FilterLogEvents", **asked)
            if answer["events"]:
                event = answer["events"][0]
                names = ("logStreamName", "timestamp", "message")
                found = {name: event[name] for name in names}
                return Seen(holds=True, why=f"The line is in {event['logStreamName']}.", found=found)
            if not answer.get("nextToken"):
                break
            asked["nextToken"] = answer["nextToken"]
        return Seen(holds=False, why=f"No line of {self.group} matches {self.pattern!r}.")
