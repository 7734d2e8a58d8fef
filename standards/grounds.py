"""The ground of a finding: which written duty is behind it, and whether a notice may carry it.

Plain Python over ``legal_bases.toml``. By docs/questionnaire.md, revision 6, the ground is the
strongest confirmed clause in force; only a duty by law, or a national standard that the 等保 duty
makes binding, may enter a 限期整改通知书; everything else goes to its annex 《安全建议》.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parent / "legal_bases.toml"

#: Kinds from the strongest to the weakest, with their words on screen.
KINDS = {
    "statute": "法定义务",
    "standard": "国家标准",
    "plan": "方案要求",
    "advice": "安全建议",
}
ADDRESSEES = frozenset({"unit", "organ", "provider", "maker", "cii", "state"})
RANKS = frozenset({"law", "regulation", "rule", "normative", "standard", "practice"})
AUTHORITIES = frozenset({"police", "secrecy", "telecom", "industry"})

#: A system without a level is treated as level 2 (docs/questionnaire.md, revision 9).
LEVEL_WHEN_UNGRADED = 2


class LegalBasesError(ValueError):
    """The file of legal bases is wrong. Says where and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A law, regulation, standard, plan or practice. ``enforced_by`` lists the authorities whose
    instruments may rest on it."""

    slug: str
    title: str
    number: str
    rank: str
    enforced_by: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One edition of a document. Bounds are inclusive days; ``None`` = not known, open."""

    slug: str
    document: Document
    label: str
    valid_from: date | None
    valid_to: date | None

    def in_force(self, on: date) -> bool:
        """Whether the edition is in force on that day, as far as its bounds are known."""
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_to is None or on <= self.valid_to
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One clause.

    Attributes:
        number: the number as printed; ``""`` if it is not confirmed.
        unconfirmed_number: the supposed number, for editors only, never printed.
        title: heading or topic; ``summary``: the duty in one Chinese sentence.
        kind: key of ``KINDS``.
        confirmed: the text was read; only then may the clause carry a finding.
        mark: source mark (C read, P partly, I inferred, M from memory).
        addressee: whom it binds; ``organ`` = 国家机关 only.
        via: the duty by law that makes a standard binding, if any.
        min_level: the lowest 等保 level at which it applies, 0 = any.
        replaces: slug of the clause that this one follows in an earlier edition.
    """

    slug: str
    edition: Edition
    number: str
    unconfirmed_number: str
    title: str
    summary: str
    kind: str
    confirmed: bool
    mark: str
    addressee: str
    via: Clause | None
    min_level: int
    replaces: str

    def citation(self, level: int | None = None) -> str:
        """How the clause is named in print, without any unconfirmed number.

        Args:
            level: 等保 level of the system. The numbers of GB/T 22239 that are confirmed are
                those of level 3; at other levels the clause is cited by its heading.
        """
        document = self.edition.document
        if document.slug == "22239":
            graded = level or LEVEL_WHEN_UNGRADED
            if self.number and graded == 3:
                return f"{document.number} 第{self.number}条（{self.title}）"
            return f"{document.number} 第{'一二三四'[graded - 1]}级“{self.title}”要求"
        if document.rank == "standard":
            name = f"{document.number}《{document.title}》"
        elif document.number:
            name = f"《{document.title}》（{document.number}）"
        else:
            name = f"《{document.title}》"
        return f"{name}{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The ground of a finding.

    Attributes:
        kind: kind of the strongest clauses, key of ``KINDS``.
        clauses: those clauses, in the order given; empty if nothing confirmed remains.
        via: the duty by law behind a national standard, if it is in force.
    """

    kind: str
    clauses: tuple[Clause, ...]
    via: Clause | None = None

    @property
    def label(self) -> str:
        """Chinese word of the kind."""
        return KINDS[self.kind]

    def citations(self, level: int | None = None) -> tuple[str, ...]:
        """The clauses as printed; a standard is led by the duty that makes it binding."""
        own = tuple(clause.citation(level) for clause in self.clauses)
        return (self.via.citation(level), *own) if self.via else own


@dataclass(frozen=True)
class LegalBases:
    """All documents, editions and clauses, by slug."""

    documents: Mapping[str, Document]
    editions: Mapping[str, Edition]
    clauses: Mapping[str, Clause]

    def named(self, slugs: Iterable[str], on: date) -> tuple[Clause, ...]:
        """Clauses by slug; one not yet in force on that day gives way to its predecessor.

        Raises:
            KeyError: there is no such clause.
        """
        found = []
        for slug in slugs:
            clause = self.clauses[slug]
            while not clause.edition.in_force(on) and clause.replaces:
                clause = self.clauses[clause.replaces]
            found.append(clause)
        return tuple(found)


def ground_of(
    clauses: Iterable[Clause], on: date, *, level: int | None = None, organ: bool = False
) -> Ground:
    """The strongest confirmed clause in force that day, with its equals.

    A clause that does not bind the unit (the 方案's sentence on makers, duties of providers, of
    关基 operators, of authorities) counts as advice only, however strong its document.

    Args:
        clauses: the clauses an item or rule rests on.
        on: the day of the finding.
        level: 等保 level of the system; ``None`` or 0 = ungraded, treated as level 2.
        organ: the unit is a 国家机关, so that clauses addressed to these bind it.
    """
    graded = level or LEVEL_WHEN_UNGRADED
    binding: dict[str, list[Clause]] = {kind: [] for kind in KINDS}
    for clause in clauses:
        if not clause.confirmed or not clause.edition.in_force(on) or graded < clause.min_level:
            continue
        binds = clause.addressee == "unit" or (organ and clause.addressee == "organ")
        group = binding[clause.kind if binds else "advice"]
        if clause not in group:
            group.append(clause)
    for kind, group in binding.items():
        if group:
            return Ground(kind=kind, clauses=tuple(group), via=_via(kind, group, on))
    return Ground(kind="advice", clauses=())


def may_enter_notice(ground: Ground, *, authority: str | None = None) -> bool:
    """Whether a 限期整改通知书 may carry a finding on this ground.

    Args:
        ground: the ground of the finding.
        authority: ``police secrecy telecom industry``; if given, the document of a carrying
            clause must be one that this authority enforces (each has its own instrument).
    """
    carrying = ground.clauses
    if ground.kind == "standard":
        carrying = tuple(c for c in carrying if c.via is not None) if ground.via else ()
    elif ground.kind != "statute":
        return False
    return any(
        authority is None or authority in clause.edition.document.enforced_by for clause in carrying
    )


def _via(kind: str, clauses: Iterable[Clause], on: date) -> Clause | None:
    if kind != "standard":
        return None
    for clause in clauses:
        via = clause.via
        if via is not None and via.confirmed and via.edition.in_force(on):
            return via
    return None


# Loading ------------------------------------------------------------------------------------


def load(path: Path = FILE) -> LegalBases:
    """Legal bases of a TOML file.

    Raises:
        LegalBasesError: unknown key, missing key, wrong value, duplicate or unknown slug.
        OSError: the file cannot be read.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise LegalBasesError(f"{path.name}: not valid TOML: {error}") from error
    extra = set(data) - {"document", "edition", "clause"}
    if extra:
        raise LegalBasesError(f"{path.name}: unknown keys {sorted(extra)}")
    documents = {
        one.slug: one for one in _each(data, "document", _document, ("slug", "title", "rank"))
    }
    editions = {
        one.slug: one
        for one in _each(
            data, "edition", lambda row: _edition(row, documents), ("slug", "document", "label")
        )
    }
    clauses: dict[str, Clause] = {}
    for clause in _each(
        data,
        "clause",
        lambda row: _clause(row, editions, clauses),
        ("slug", "edition", "number", "summary", "kind", "confirmed", "mark"),
    ):
        clauses[clause.slug] = clause
    for clause in clauses.values():
        if clause.replaces and clause.replaces not in clauses:
            raise LegalBasesError(f"clause {clause.slug}: replaces unknown '{clause.replaces}'")
    return LegalBases(documents, editions, clauses)


@lru_cache(maxsize=1)
def current() -> LegalBases:
    """The legal bases shipped with the project, read once."""
    return load()


ALLOWED = {
    "document": {"slug", "title", "number", "rank", "enforced_by"},
    "edition": {"slug", "document", "label", "valid_from", "valid_to"},
    "clause": {
        "slug", "edition", "number", "unconfirmed_number", "title", "summary", "kind",
        "confirmed", "mark", "addressee", "via", "min_level", "replaces",
    },
}  # fmt: skip


def _each(data: Mapping[str, Any], table: str, make: Any, needed: tuple[str, ...]) -> Iterator[Any]:
    seen: set[str] = set()
    for row in data.get(table, []):
        where = f"{table} {row.get('slug', '?')}"
        missing = [key for key in needed if key not in row]
        unknown = sorted(set(row) - ALLOWED[table])
        if missing or unknown:
            raise LegalBasesError(f"{where}: missing {missing}, unknown {unknown}")
        if row["slug"] in seen:
            raise LegalBasesError(f"{where}: used twice")
        seen.add(row["slug"])
        yield make(row)


def _document(row: Mapping[str, Any]) -> Document:
    where = f"document {row['slug']}"
    _one_of(where, "rank", row["rank"], RANKS)
    for authority in row.get("enforced_by", []):
        _one_of(where, "enforced_by", authority, AUTHORITIES)
    return Document(
        slug=row["slug"],
        title=row["title"],
        number=row.get("number", ""),
        rank=row["rank"],
        enforced_by=tuple(row.get("enforced_by", [])),
    )


def _edition(row: Mapping[str, Any], documents: Mapping[str, Document]) -> Edition:
    where = f"edition {row['slug']}"
    _one_of(where, "document", row["document"], documents)
    bounds = [row.get("valid_from"), row.get("valid_to")]
    for bound in bounds:
        if bound is not None and (not isinstance(bound, date) or isinstance(bound, datetime)):
            raise LegalBasesError(f"{where}: valid_from and valid_to are dates")
    start, end = bounds
    if start and end and start > end:
        raise LegalBasesError(f"{where}: valid_from is after valid_to")
    return Edition(
        slug=row["slug"],
        document=documents[row["document"]],
        label=row["label"],
        valid_from=start,
        valid_to=end,
    )


def _clause(
    row: Mapping[str, Any], editions: Mapping[str, Edition], clauses: Mapping[str, Clause]
) -> Clause:
    where = f"clause {row['slug']}"
    _one_of(where, "edition", row["edition"], editions)
    _one_of(where, "kind", row["kind"], KINDS)
    addressee = row.get("addressee", "unit")
    _one_of(where, "addressee", addressee, ADDRESSEES)
    if not isinstance(row["confirmed"], bool):
        raise LegalBasesError(f"{where}: confirmed must be true or false")
    if row["confirmed"] is not (row["mark"] == "C"):
        raise LegalBasesError(f"{where}: confirmed does not agree with its mark '{row['mark']}'")
    if row["number"] and row.get("unconfirmed_number"):
        raise LegalBasesError(f"{where}: a number is either confirmed or not")
    via = row.get("via")
    if via is not None:
        _one_of(where, "via", via, clauses)
        if row["kind"] != "standard" or clauses[via].kind != "statute":
            raise LegalBasesError(f"{where}: only a standard is binding via a statute")
    return Clause(
        slug=row["slug"],
        edition=editions[row["edition"]],
        number=row["number"],
        unconfirmed_number=row.get("unconfirmed_number", ""),
        title=row.get("title", ""),
        summary=row["summary"],
        kind=row["kind"],
        confirmed=row["confirmed"],
        mark=row["mark"],
        addressee=addressee,
        via=clauses[via] if via else None,
        min_level=row.get("min_level", 0),
        replaces=row.get("replaces", ""),
    )


def _one_of(where: str, key: str, value: str, known: Iterable[str]) -> None:
    if value not in set(known):
        raise LegalBasesError(f"{where}: unknown {key} '{value}'")
