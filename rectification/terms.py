"""The bounds of the dates of a case, read from terms.toml."""

import datetime as dt
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PATH = Path(__file__).with_name("terms.toml")


@dataclass(frozen=True)
class Terms:
    """Days, all at least 1.

    Attributes:
        default_days: from today to the deadline that a new notice proposes.
        longest_days: from today to the latest deadline that a notice may set.
        longest_extension_days: from the present deadline to the latest that may be asked for.
    """

    default_days: int
    longest_days: int
    longest_extension_days: int

    def latest_deadline(self, on: dt.date) -> dt.date:
        """The latest deadline of a notice drafted on a day."""
        return on + dt.timedelta(days=self.longest_days)

    def latest_extension(self, deadline: dt.date) -> dt.date:
        """The latest day to which a deadline may be moved at once."""
        return deadline + dt.timedelta(days=self.longest_extension_days)


@cache
def terms() -> Terms:
    """Return the bounds of terms.toml.

    Raises:
        ValueError: a number that is missing, none, or below 1.
    """
    data = tomllib.loads(PATH.read_text(encoding="utf-8"))
    found = {}
    for name, section, key in (
        ("default_days", "notice", "default_days"),
        ("longest_days", "notice", "longest_days"),
        ("longest_extension_days", "extension", "longest_days"),
    ):
        value = data.get(section, {}).get(key)
        if type(value) is not int or value < 1:
            raise ValueError(f"{PATH.name}: {section}.{key} must be a whole number of days")
        found[name] = value
    return Terms(**found)
