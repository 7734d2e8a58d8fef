"""The first question decides which sheets a unit fills in (docs/questionnaire.md, revision 1)."""

from __future__ import annotations

from collections.abc import Collection

#: Item and field of the triage question, and its codes.
TRIAGE = ("U-001", "answer")
OWN, BOUGHT, SHARED, NONE = "own", "bought", "shared", "none"


def codes_of(answer: str) -> frozenset[str]:
    """Codes of the triage answer as it is stored (joined by commas)."""
    return frozenset(code for code in answer.split(",") if code)


def system_sheets(codes: Collection[str]) -> bool:
    """Whether the unit fills in one full sheet per mail system."""
    return OWN in codes or BOUGHT in codes


def short_sheet(codes: Collection[str]) -> bool:
    """Whether the unit fills in the 使用单位确认表 instead: it uses a shared mail system and
    runs or buys none itself."""
    return SHARED in codes and not system_sheets(codes)
