"""Targets of load balancers that are healthy."""

from dataclasses import dataclass

from console.waiting.condition import Condition, Seen


@dataclass(frozen=True, kw_only=True)
class TargetIsHealthy(Condition):
    """A target group has so many healthy targets; with a ``target``, that one is healthy."""

    target_group: str
    target: str = ""
    count: int = 1

    services = frozenset({"elbv2", "ecs"})
    kinds = ("elbv2.", "ecs.")

    async def seen(self) -> Seen:
        answer = await self.call("elbv2", "DescribeTargetHealth", TargetGroupArn=self.target_group)
        found = [
            {"id": described["Target"]["Id"], "port": described["Target"].get("Port"), **described["TargetHealth"]}
            for described in answer["TargetHealthDescriptions"]
            if self.target in ("", described["Target"]["Id"])
        ]
        healthy = sum(target["State"] == "healthy" for target in found)
        told = "; ".join(f"{target['id']} is {target['State']}" for target in found) or "none is registered"
        return Seen(
            holds=healthy >= self.count,
            why=f"{healthy} of {len(found)} targets are healthy: {told}.",
            found={"targets": found},
        )
