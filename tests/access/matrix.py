"""The table of matrix.toml, read and checked."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.access.cast import OFFICE, PORTAL, RELATIONS, UNIT

PATH = Path(__file__).with_name("matrix.toml")
WORDS = {*RELATIONS, *PORTAL, "nobody"}
_LISTS = ("get", "post", "sees", "gate")


@dataclass(frozen=True)
class Entry:
    """One row of the table, its groups spelt out (see the head of matrix.toml)."""

    key: str
    of: dict[str, str] = field(default_factory=dict)
    get: frozenset[str] = frozenset()
    post: frozenset[str] = frozenset()
    sees: frozenset[str] = frozenset(RELATIONS)
    gate: frozenset[str] = frozenset()
    public: bool = False
    alike: bool = False
    body: dict[str, str] = field(default_factory=dict)
    idle: str = ""
    shows: dict[str, str] = field(default_factory=dict)

    @property
    def route(self) -> str:
        return self.key.partition("#")[0]

    @property
    def space(self) -> str:
        """The namespace of its route, "" for the frame."""
        return self.route.rpartition(":")[0]

    @property
    def rows(self) -> list[str]:
        """The rows that its address names, without plain texts."""
        return [row for row in self.of.values() if not row.startswith("=")]

    def may(self, method: str) -> frozenset[str]:
        return self.get if method == "GET" else self.post


def load() -> list[Entry]:
    """Read the table; a word that is none, or an entry without a use, is an error."""
    data: dict[str, Any] = tomllib.loads(PATH.read_text(encoding="utf-8"))
    groups: dict[str, list[str]] = data.pop("groups")

    def spelt(words: list[str]) -> frozenset[str]:
        found: set[str] = set()
        for word in words:
            found |= spelt(groups[word]) if word in groups else {word}
        assert found <= WORDS, f"no such word: {found - WORDS}"
        return frozenset(found)

    entries = []
    for key, raw in data.items():
        lists = {name: spelt(raw.pop(name)) for name in _LISTS if name in raw}
        entry = Entry(key=key, **lists, **raw)
        assert entry.get or entry.post, f"{key}: neither get nor post"
        assert not entry.idle or entry.post, f"{key}: idle without post"
        known = {*UNIT, *OFFICE, *PORTAL, "nobody"}
        if entry.rows and not entry.public:
            assert entry.get | entry.post <= entry.sees, f"{key}: acts on what it does not see"
        else:
            assert entry.get | entry.post <= known, f"{key}: a page without a row has no relations"
        entries.append(entry)
    return entries
