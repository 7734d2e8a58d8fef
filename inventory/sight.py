"""Who can read a unit, as its page tells it; the rule itself is `inventory.scoping`."""

from dataclasses import dataclass

from inventory.models import Delegation, Supervision, Unit


@dataclass(frozen=True)
class Readers:
    """Who reads a unit.

    Attributes:
        supervisions: the supervising offices; those above them read as well.
        delegations: in force, the next to end first.
        superior: the superior unit where it may read, None where not.
    """

    supervisions: list[Supervision]
    delegations: list[Delegation]
    superior: Unit | None


def readers_of(unit: Unit) -> Readers:
    """Return who reads `unit` beside its own people. Three queries."""
    return Readers(
        supervisions=list(unit.supervisions.select_related("office").order_by("kind")),
        delegations=list(unit.delegations.in_force().select_related("office")),
        superior=unit.superior if unit.superior_may_read else None,
    )
