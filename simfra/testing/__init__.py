"""A client of a running Simfra for test suites: accounts, waiting, faults, the clock, and what was called.

Needs Python's standard library alone; ``Account.client`` and ``Account.session`` need boto3. ``simfra.testing.plugin``
has fixtures for pytest. docs/testing.md shows how they are used.
"""

from simfra.testing.accounts import Account, Snapshot
from simfra.testing.client import Simfra
from simfra.testing.faults import Fault, Faults
from simfra.testing.http import SimfraError
from simfra.testing.waiting import NotYet, Wait

__all__ = ["Account", "Fault", "Faults", "NotYet", "Simfra", "SimfraError", "Snapshot", "Wait"]
