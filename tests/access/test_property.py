"""`visible_to` agrees with the oracle in random worlds, for every user and every kind of row.

Two hundred cases (users x worlds) here; `make show-access` asks for ten thousand.
"""

import os
from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any

import pytest
from django.db import transaction

from accounts.roles import PORTAL_POWERS
from assessments.models import Campaign
from emailsec.lib.workdays import today
from inventory.models import SupervisionTransfer, Unit
from rectification.models import Notice
from tests.access import oracle
from tests.access.worlds import READER, Drawn, Writer, Written, draw

PEOPLE, TURN = 20, 4
CASES = int(os.environ.get("ACCESS_CASES", "200"))
FIRST = int(os.environ.get("ACCESS_SEED", "1"))


def keys(model: Any, user: Any) -> set[int]:
    return set(model._default_manager.visible_to(user).values_list("pk", flat=True))


def disagreements(drawn: Drawn, made: Written) -> Iterator[str]:
    """Say where what a user gets is not what the oracle grants."""
    kinds = cycle([*made.owned, *made.issued, *made.personal])
    for n, user in enumerate(made.users):
        # What has a rule of its own for everybody; the many kinds of row that follow one of the
        # first two in turn, over the users of all worlds.
        for model in {Unit, Notice, Campaign, SupervisionTransfer, *islice(kinds, TURN)}:
            wanted, got = granted(drawn, made, n, model), keys(model, user)
            if got != wanted:
                yield f"{user}: {model.__name__} sees {got - wanted}, misses {wanted - got}"


def oversteps(drawn: Drawn, made: Written) -> Iterator[str]:
    """Say who may do more than read to a unit that the oracle does not let them act on."""
    for user, (him, _, _) in zip(made.users, drawn.users, strict=True):
        for power in user.powers - PORTAL_POWERS:
            if power.endswith(".read"):
                continue
            if any(getattr(place, "kind", "") == READER for place in him.places):
                yield f"{user}, of a provider, holds {power}"
            for unit, row in zip(drawn.units, made.units, strict=True):
                if user.can(power, row) and not oracle.acts(him, unit):
                    yield f"{user}: {power} over {row}"


def granted(drawn: Drawn, made: Written, n: int, model: Any) -> set[int]:
    """Return the keys of `model` that the oracle grants to user `n`."""
    him, day = drawn.users[n][0], today()
    if model in made.owned:
        return {pk for pk, unit in made.owned[model].items() if oracle.sees(him, unit, day)}
    if model in made.issued:
        return {pk for pk, of in made.issued[model].items() if oracle.sees_notice(him, of, day)}
    if model is SupervisionTransfer:
        return {pk for pk, of in made.transfers.items() if oracle.sees_transfer(him, of)}
    if model in made.personal:
        return {pk for pk, owner in made.personal[model].items() if owner == n and him.active}
    return {
        pk
        for pk, (office, units) in made.campaigns.items()
        if any(oracle.sees(him, unit, day) for unit in units)
        or (him.active and any(p in oracle.line(office) for p in him.places))
    }


@pytest.mark.slow
def test_visible_to_agrees_with_the_oracle(db):
    cases = given = 0
    for seed in range(FIRST, FIRST + -(-CASES // PEOPLE)):
        with transaction.atomic():
            drawn = draw(seed, PEOPLE)
            made = Writer(drawn).write()
            found = [*disagreements(drawn, made), *oversteps(drawn, made)]
            given += sum(len(keys(Unit, user)) for user in made.users[:3])
            transaction.set_rollback(True)
        cases += len(made.users)
        assert not found, f"world {seed}:\n" + "\n".join(found)
    print(f"\nproperty cases={cases} from world {FIRST}")
    assert given > cases // 20, "worlds in which nobody sees anything prove nothing"
