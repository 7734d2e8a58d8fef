"""Whom one can log in as, and what there is to be seen: the table that `make run` prints."""

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from accounts.roles import Role

_LONGEST_PLACE = 15  # characters; one unit's name is as long as a name can be


def table(cast: Mapping[str, Any]) -> str:
    """The accounts by place, one place a line; terminals show each Chinese character two wide.

    Args:
        cast: the content of cast.toml.
    """
    places = [(office["short_name"], office["key"]) for office in cast["office"]]
    seats = [
        (place, *(_one(a) for a in cast["account"] if a.get("office") == key))
        for place, key in [*places, ("三员", None)]
    ]
    units = [
        (
            _short(unit["name"]),
            f"{unit['login']}-tianbao",
            f"{unit['login']}-shenqian",
            unit["see"],
        )
        for unit in cast["unit"]
    ]
    return "\n".join(
        [
            f"演示账号（口令均为 {cast['password']}）",
            "监管机关与三员",
            *_columns(seats),
            "单位（填报人、审签人）　　看什么",
            *_columns(units),
        ]
    )


def _one(account: Mapping[str, Any]) -> str:
    return f"{account['username']} {Role(account['role']).label}"


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_PLACE else f"{name[: _LONGEST_PLACE - 1]}…"


def _columns(rows: Iterable[tuple[str, ...]]) -> list[str]:
    listed = list(rows)
    count = max(map(len, listed))
    widths = [max(_width(row[n]) for row in listed if n < len(row)) for n in range(count)]
    return [
        "  " + "  ".join(_padded(cell, widths[n]) for n, cell in enumerate(row)).rstrip()
        for row in listed
    ]


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))
