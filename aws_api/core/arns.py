"""Amazon Resource Names. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Arn:
    """``arn:partition:service:region:account-id:resource``, taken apart; ``str()`` puts it together."""

    service: str
    region: str
    account_id: str
    resource: str
    partition: str = "aws"

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account_id}:{self.resource}"

    @classmethod
    def parse(cls, text: str) -> "Arn":
        """Take an ARN apart. Raises ValueError where it has not six parts or does not begin with ``arn:``."""
        parts = text.split(":", 5)
        if len(parts) != 6 or parts[0] != "arn":
            raise ValueError(f"not an ARN: {text}")
        return cls(partition=parts[1], service=parts[2], region=parts[3], account_id=parts[4], resource=parts[5])


def is_arn(text: str) -> bool:
    """Whether a name was given as an ARN; most ECS members take either."""
    return text.startswith("arn:") and text.count(":") >= 5
