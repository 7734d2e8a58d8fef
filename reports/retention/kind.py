"""What every kind of thing that is kept for a time only has to tell."""

import datetime as dt
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet


@dataclass(frozen=True)
class Told:
    """What the record keeps of one row when it is gone.

    Attributes:
        name: what it was called, for the list.
        sha256: digest of what is destroyed.
        size: bytes.
        path: where it lies on disk; empty for what lies in the database.
    """

    name: str
    sha256: str
    size: int
    path: str = ""


@dataclass(frozen=True)
class Kind:
    """One kind of thing.

    Attributes:
        slug: its name in retention.toml and in the record.
        model: the rows, with `unit`, and the two columns that begin with `mark`.
        ended: of the units of an office, the rows whose case had ended by a day and which still
            hold something.
        shown: the same rows with `ended_on`, the day from which their period ran, for a list.
        told: what the record keeps of a row.
        empty: takes out of the rows with these keys what is to be destroyed, in one statement.
        mark: the columns that say when it was destroyed and who approved: MARK_at, MARK_by.
    """

    slug: str
    model: Any
    ended: Callable[[Any, dt.date], QuerySet[Any]]
    shown: Callable[[QuerySet[Any]], QuerySet[Any]]
    told: Callable[[Any], Told]
    empty: Callable[[Collection[int]], None]
    mark: str = "destroyed"
