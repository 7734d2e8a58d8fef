"""A self-check put together for judging: answers, inventory values, facts, verdicts, outcomes.

Everything that shows or decides about a self-check starts here, so that the page, the document
and the workbook cannot disagree. A whole self-check costs a fixed number of queries.
"""

import datetime as dt
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from django.db import models

from assessments.definitions import definition
from assessments.facts import facts_for, inventory_values
from assessments.models import Answer, Contradiction, Evidence, ReviewRemark, SelfCheck, Sheet
from assessments.rules import evaluate as rules
from assessments.rules import schema, triage
from assessments.rules.conclusion import Conclusion, Merged, conclusion, merge
from assessments.rules.meeting import Meeting, meet, suggested_answer
from inventory.models import MailSystem
from scans.models import ScanRun, Verdict


@dataclass(frozen=True)
class SeenVerdict:
    """A verdict as the evaluator wants it: with the domain as its subject."""

    row: Verdict

    @property
    def rule(self) -> str:
        return self.row.rule

    @property
    def result(self) -> str:
        return self.row.result

    @property
    def kind(self) -> str:
        return str(self.row.params.get("kind", ""))

    @property
    def confirmed(self) -> bool:
        return self.row.confirmed

    @property
    def subject(self) -> str:
        return str(self.row.run.domain)


@dataclass(frozen=True)
class Doubt:
    """The 疑点 of one item: what a unit answers once is doubted once, whatever number of domains
    and rules speak against it. Every page and every paper counts these and never the rows."""

    item: schema.Item
    rows: tuple[Contradiction, ...]
    system_id: int | None

    @property
    def unexplained(self) -> bool:
        return any(row.status == Contradiction.Status.OPEN for row in self.rows)

    @property
    def undecided(self) -> bool:
        return any(row.status in Contradiction.UNDECIDED for row in self.rows)


@dataclass
class LoadedSheet:
    """One sheet with everything that bears on it.

    Attributes:
        row: the sheet.
        definition: the pinned questionnaire.
        judged: the evaluator's view of the sheet.
        answers: (item, field) → stored answer row (inventory values have none while filling).
        evidence: item → current files.
        verdicts: verdicts of the newest run of each domain of the system.
        contradictions, remarks: item → rows.
    """

    row: Sheet
    definition: schema.Questionnaire
    judged: rules.Sheet
    answers: dict[tuple[str, str], Answer]
    evidence: dict[str, list[Evidence]]
    verdicts: list[SeenVerdict]
    contradictions: dict[str, list[Contradiction]] = field(default_factory=dict)
    remarks: dict[str, list[ReviewRemark]] = field(default_factory=dict)

    @cached_property
    def outcomes(self) -> dict[str, rules.Outcome]:
        return rules.evaluate(self.judged)

    @property
    def progress(self) -> rules.Progress:
        return rules.progress(self.outcomes)

    @property
    def missing(self) -> tuple[tuple[str, str], ...]:
        return rules.missing(self.outcomes)

    @property
    def faults(self) -> tuple[tuple[str, str, str], ...]:
        return rules.faults(self.outcomes)

    @property
    def merged(self) -> tuple[Merged, ...]:
        return merge(self.definition, self.outcomes.values())

    @cached_property
    def doubts(self) -> tuple[Doubt, ...]:
        """The items in doubt, in the order of the sheet; what agrees by now is left out."""
        standing = {
            code: tuple(row for row in rows if row.status != Contradiction.Status.RESOLVED)
            for code, rows in self.contradictions.items()
        }
        return tuple(
            Doubt(item, standing[item.code], self.row.system_id)
            for item in self.definition.items_of(self.row.scope_name)
            if standing.get(item.code)
        )

    def meetings(self, item: schema.Item) -> tuple[Meeting, ...]:
        """What was seen beside what was said of one item."""
        return meet(item, self.judged, self.verdicts)

    def suggestion(self, item: schema.Item) -> str:
        """The answer that the confirmed verdicts support, "" without one."""
        return suggested_answer(item, self.verdicts)

    def sections(self) -> list[schema.Section]:
        """Sections of this sheet in which at least one item is asked."""
        shown = {
            item.section
            for item in self.definition.items_of(self.row.scope_name)
            if self.judged.shown(item.code)
        }
        return [s for s in self.definition.sections if s.code in shown]

    def display(self, item: schema.Item, code: str) -> str:
        """The answer of a field in words, as a page or a document prints it."""
        one = item.field(code)
        value = self.judged.value(item.code, code)
        if not value:
            return ""
        if value == "unknown" and item.unknown:
            return "暂不掌握"
        if one.type in schema.CHOICE_TYPES:
            labels = {option.code: option.label for option in one.options}
            return "、".join(labels.get(part, part) for part in value.split(","))
        if one.type == "date":
            return _date_in_words(value)
        return f"{value}{one.unit}"

    def in_words(self, item: schema.Item) -> str:
        """The whole answer of an item in words: 已培训人数 96人；邮箱用户总人数 300人.

        A part is named where the item asks for several; a remark is none. "" without an answer.
        """
        fields = self.judged.fields_of(item)
        several = sum(one.code != "note" for one in fields) > 1
        parts = [
            f"{one.name} {words}" if several else words
            for one in fields
            if (words := self.display(item, one.code))
        ]
        return "；".join(parts)


def _date_in_words(value: str) -> str:
    """2026-11-22 as 2026年11月22日; what is not a date stays as it was typed."""
    try:
        day = dt.date.fromisoformat(value)
    except ValueError:
        return value
    return f"{day.year}年{day.month}月{day.day}日"


def triage_codes(selfcheck: SelfCheck) -> frozenset[str]:
    """Codes of the unit's answer to where its mailboxes come from; empty while unanswered."""
    item, field = triage.TRIAGE
    answer = Answer.objects.filter(
        sheet__selfcheck=selfcheck, sheet__kind=Sheet.Kind.UNIT, item=item, field=field
    ).first()
    return triage.codes_of(answer.value if answer else "")


def load_sheets(selfcheck: SelfCheck) -> list[LoadedSheet]:
    """Return the sheets of a self-check, the unit sheet first.

    A 使用单位确认表 counts only while the triage calls for it; its answers are kept meanwhile.

    While the unit fills in, fields with a source show what the inventory says now; from
    submission on they show the values snapshotted then.
    """
    parsed = definition(selfcheck.questionnaire)
    rows = list(
        selfcheck.sheets.filter(dropped_at=None)
        .select_related("selfcheck__unit", "selfcheck__campaign", "system")
        .order_by(models.F("system_id").asc(nulls_first=True), "id")
    )
    systems = list(
        MailSystem.objects.filter(unit_id=selfcheck.unit_id, retired_on=None).prefetch_related(
            "domains", "endpoints"
        )
    )
    by_id = {system.pk: system for system in systems}
    answers: dict[int, dict[tuple[str, str], Answer]] = defaultdict(dict)
    for answer in Answer.objects.filter(sheet__in=rows).select_related("updated_by"):
        answers[answer.sheet_id][answer.item, answer.field] = answer
    evidence: dict[int, dict[str, list[Evidence]]] = defaultdict(lambda: defaultdict(list))
    for file in Evidence.objects.filter(sheet__in=rows).current():
        evidence[file.sheet_id][file.item].append(file)
    verdicts: dict[int, list[SeenVerdict]] = defaultdict(list)
    latest = ScanRun.objects.filter(domain__system__in=systems).latest_done()
    for verdict in Verdict.objects.filter(run__in=latest).select_related("run__domain"):
        verdicts[verdict.run.domain.system_id].append(SeenVerdict(verdict))
    codes = triage.codes_of(
        next(
            (
                answers[row.pk][triage.TRIAGE].value
                for row in rows
                if row.kind == Sheet.Kind.UNIT and triage.TRIAGE in answers[row.pk]
            ),
            "",
        )
    )
    if not triage.short_sheet(codes):
        rows = [row for row in rows if row.kind != Sheet.Kind.USER]
    contradictions = _by_sheet_and_item(Contradiction.objects.filter(sheet__in=rows))
    remarks = _by_sheet_and_item(ReviewRemark.objects.filter(sheet__in=rows))

    loaded = []
    for row in rows:
        system = by_id.get(row.system_id) or row.system if row.system_id else None
        values = {ref: a.value for ref, a in answers[row.pk].items()}
        if selfcheck.editable and row.kind != Sheet.Kind.USER:
            values |= inventory_values(parsed, row.scope_name, selfcheck.unit, system)
        judged = rules.Sheet(
            parsed,
            row.scope_name,
            values,
            facts_for(row, system, systems),
            evidence[row.pk].keys(),
        )
        loaded.append(
            LoadedSheet(
                row=row,
                definition=parsed,
                judged=judged,
                answers=answers[row.pk],
                evidence=evidence[row.pk],
                verdicts=verdicts[row.system_id] if row.system_id else [],
                contradictions=contradictions[row.pk],
                remarks=remarks[row.pk],
            )
        )
    return loaded


def _by_sheet_and_item(rows: Iterable[object]) -> "defaultdict[int, dict[str, list]]":  # type: ignore[type-arg]
    grouped: defaultdict[int, dict[str, list]] = defaultdict(lambda: defaultdict(list))  # type: ignore[type-arg]
    for row in rows:
        grouped[row.sheet_id][row.item].append(row)  # type: ignore[attr-defined]
    return grouped


def conclude(sheets: Iterable[LoadedSheet], closed: frozenset[str] = frozenset()) -> Conclusion:
    """The conclusion over all sheets, leaving out causes already 销号."""
    return conclusion((o for sheet in sheets for o in sheet.outcomes.values()), closed)


def content_digest(sheets: Iterable[LoadedSheet]) -> str:
    """SHA-256 (hex) over everything that a signature covers: values shown and evidence hashes."""
    content = []
    for sheet in sheets:
        fields = [
            [item.code, one.code, sheet.judged.value(item.code, one.code)]
            for item in sheet.definition.items_of(sheet.row.scope_name)
            for one in sheet.judged.fields_of(item)
        ]
        files = sorted([e.item, e.sha256] for files in sheet.evidence.values() for e in files)
        content.append([sheet.row.system_id or 0, sheet.definition.digest, fields, files])
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
