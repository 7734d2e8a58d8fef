"""演练靶场: mail hosts on the loopback interface, for the demo, for tests and for the bench.

They never deliver mail and take no password. No app imports this package; see docs/practice.md.
"""

from practice.running import Range, start_range
from practice.tables import TableError, expectations, postures

__all__ = ["Range", "TableError", "expectations", "postures", "start_range"]
