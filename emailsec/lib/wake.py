"""Wake a task of a higher room by name, after commit.

The row with its empty marker is the truth; this only spares it the wait for the next minute.
"""

from celery import current_app
from django.db import transaction


def wake(task_name: str) -> None:
    """Send the task `task_name` (no arguments) once the current transaction commits."""
    transaction.on_commit(lambda: current_app.send_task(task_name), robust=True)
