"""How many tasks the deployment configuration's percentages allow. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html
"""


def fewest_healthy(desired_count: int, minimum_percent: int) -> int:
    """The tasks that must stay healthy: rounded up."""
    return -(-desired_count * minimum_percent // 100)


def most_active(desired_count: int, maximum_percent: int) -> int:
    """The tasks that may run or be on their way: rounded down."""
    return desired_count * maximum_percent // 100


def scaled(desired_count: int, percent: float) -> int:
    """The tasks of a task set with a share of the service's count: rounded up."""
    hundredths = round(percent * 100)
    return -(-desired_count * hundredths // 10_000)
