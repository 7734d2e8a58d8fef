"""The gate before a mail system may be registered: it must not be a classified system.

What a person types for a classified system must not be kept anywhere: the check reads the raw
request before any form is bound, and neither this module nor its callers log, echo or audit it.
"""

from typing import Final, Protocol

# Offered among the networks so that it can be chosen, and refused; never a value in the database.
CLASSIFIED: Final = "classified"
CLASSIFIED_LABEL: Final = "涉密网络"


class Submitted(Protocol):
    """A QueryDict, or anything that reads like one."""

    def get(self, key: str) -> object: ...

    def getlist(self, key: str) -> list[str]: ...


def must_stop(data: Submitted) -> bool:
    """Say whether the form has to stop: a classified network, or 非涉密 not confirmed."""
    return CLASSIFIED in data.getlist("networks") or not data.get("not_classified")
