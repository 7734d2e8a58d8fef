"""What the portal asks of its own audit trail: audit/policy.toml as one checked value."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

PATH = Path(__file__).with_name("policy.toml")
LEAST_DAYS: Final = 180  # no file may go below the law
_SHAPE: Final = {
    "retention": {"live_days"},
    "chain": {"unsealed_seconds", "verify_hours"},
    "reading": {"quiet_minutes"},
}


@dataclass(frozen=True)
class Policy:
    """Days that events stay in the database, and the portal's patience in its own units."""

    live_days: int
    unsealed_seconds: int
    verify_hours: int
    quiet_minutes: int


@cache
def policy(path: Path = PATH) -> Policy:
    """Return the policy; raises ValueError, naming the key, where the file has another shape."""
    data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    if data.keys() != _SHAPE.keys():
        raise ValueError(f"audit policy: {sorted(data.keys() ^ _SHAPE.keys())} missing or unknown")
    values: dict[str, int] = {}
    for part, keys in _SHAPE.items():
        if data[part].keys() != keys:
            raise ValueError(f"{part}: {sorted(data[part].keys() ^ keys)} missing or unknown")
        values |= data[part]
    for key, value in values.items():
        if type(value) is not int or value <= 0:
            raise ValueError(f"{key}: a whole number above zero, not {value!r}")
    if values["live_days"] < LEAST_DAYS:
        raise ValueError(f"live_days: at least {LEAST_DAYS}, not {values['live_days']}")
    return Policy(**values)
