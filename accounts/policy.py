"""What the portal asks of those who log in: accounts/policy.toml as one checked value."""

import tomllib
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from accounts.roles import Role

PATH = Path(__file__).with_name("policy.toml")


@dataclass(frozen=True)
class SecondFactorPolicy:
    required_roles: frozenset[str]
    recovery_codes: int
    recent_minutes: int


@dataclass(frozen=True)
class PasswordPolicy:
    history: int
    max_age_days: int
    warn_days: int


@dataclass(frozen=True)
class SessionPolicy:
    idle_minutes: int
    absolute_hours: int


@dataclass(frozen=True)
class AccountPolicy:
    office_idle_days: int


@dataclass(frozen=True)
class LockoutPolicy:
    account_failures: int
    account_minutes: tuple[int, ...]
    address_failures: int
    address_minutes: int


@dataclass(frozen=True)
class InvitationPolicy:
    valid_days: int
    letter_days: int
    misses: int
    miss_minutes: int


@dataclass(frozen=True)
class RegistrationPolicy:
    per_hour: int
    least_seconds: int
    misses: int
    miss_minutes: int
    proof_days: int


@dataclass(frozen=True)
class Policy:
    second_factor: SecondFactorPolicy
    password: PasswordPolicy
    session: SessionPolicy
    account: AccountPolicy
    lockout: LockoutPolicy
    invitation: InvitationPolicy
    registration: RegistrationPolicy


@cache
def policy(path: Path = PATH) -> Policy:
    """Return the policy; raises ValueError, naming the key, where the file has another shape."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    _same_keys("policy", data, Policy)
    parts = {part.name: _part(part.name, part.type, data[part.name]) for part in fields(Policy)}
    return Policy(**parts)


def _same_keys(name: str, data: dict[str, Any], kind: Any) -> None:
    wanted = {each.name for each in fields(kind)}
    if wanted != set(data):
        raise ValueError(f"{name}: {sorted(wanted ^ set(data))} missing or unknown")


def _part(name: str, kind: Any, data: dict[str, Any]) -> Any:
    _same_keys(name, data, kind)
    return kind(**{key: _value(f"{name}.{key}", value) for key, value in data.items()})


def _value(name: str, value: Any) -> Any:
    if name == "second_factor.required_roles":
        return frozenset(Role(role).value for role in value)
    numbers = value if isinstance(value, list) else [value]
    if not numbers or not all(isinstance(n, int) and n > 0 for n in numbers):
        raise ValueError(f"{name}: whole numbers above zero, not {value!r}")
    return tuple(value) if isinstance(value, list) else value
