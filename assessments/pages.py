"""What the pages of a self-check show: blocks of items, states of sections, the next step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from accounts.models import User
from assessments import actions
from assessments.forms import ItemForm, RefusedItem
from assessments.models import Contradiction, ReviewRemark, SelfCheck
from assessments.remarks import SentRemark
from assessments.rules import schema
from assessments.rules.evaluate import STATES, Outcome
from assessments.rules.meeting import Meeting
from assessments.sheets import LoadedSheet
from standards import grounds


@dataclass
class ItemBlock:
    """One item as the section page, the review page and the printed sheet show it."""

    sheet: LoadedSheet
    item: schema.Item
    readonly: bool
    sent: Sequence[SentRemark] = ()
    refused: RefusedItem | None = None

    @property
    def code(self) -> str:
        return self.item.code

    @property
    def shown(self) -> bool:
        return self.sheet.judged.shown(self.item.code)

    @property
    def outcome(self) -> Outcome:
        return self.sheet.outcomes[self.item.code]

    @property
    def state_label(self) -> str:
        return STATES[self.outcome.state]

    @property
    def reservation(self) -> str:
        """What speaks against 符合 as long as only the answer was judged; "" where nothing does."""
        doubted = any(meeting.kind == "contradicts" for meeting in self.meetings)
        bare = "evidence" in self.outcome.missing
        words = ["待核实：与观测不一致"] * doubted + ["缺佐证"] * bare
        return "；".join(words)

    @property
    def form(self) -> ItemForm:
        return ItemForm(self.sheet, self.item, readonly=self.readonly, refused=self.refused)

    @property
    def from_inventory(self) -> bool:
        """Whether the whole item is held by the inventory."""
        return bool(self.item.fields) and all(f.source for f in self.item.fields)

    @property
    def inventory_url(self) -> str:
        row = self.sheet.row
        if row.system_id:
            return reverse("inventory:system_edit", args=[row.system_id])
        return reverse("inventory:unit_edit", args=[row.unit.pk])

    @property
    def meetings(self) -> tuple[Meeting, ...]:
        return self.sheet.meetings(self.item)

    @property
    def observed(self) -> list[Meeting]:
        """What was seen, to be said before the question is asked (items marked observed_first)."""
        kinds = {"seen", "contradicts", "confirms", "modest", "check"}
        return [m for m in self.meetings if self.item.observed_first and m.kind in kinds]

    @property
    def answered(self) -> bool:
        main = self.item.main
        return main is not None and bool(self.sheet.judged.value(self.item.code, main.code))

    @property
    def suggestion(self) -> str:
        return self.sheet.suggestion(self.item)

    @property
    def suggestion_label(self) -> str:
        """The answer that the confirmed observations support, in words; "" without one."""
        main = self.item.main
        option = main.option(self.suggestion) if main and self.suggestion else None
        return option.label if option else ""

    @property
    def lines(self) -> list[tuple[schema.Field, str]]:
        """(field, answer in words) of the fields asked, for read-only display."""
        return [
            (f, self.sheet.display(self.item, f.code))
            for f in self.sheet.judged.fields_of(self.item)
        ]

    @property
    def party_label(self) -> str:
        return schema.PARTIES[self.outcome.party]

    @property
    def answered_elsewhere(self) -> bool:
        return self.outcome.party != "unit"

    @property
    def basis(self) -> str:
        """The confirmed clauses that the item rests on, as printed."""
        facts = self.sheet.judged.facts
        clauses = grounds.current().named(self.item.clauses, facts.on)
        return "；".join(c.citation(facts.level) for c in clauses if c.confirmed)

    @property
    def files(self) -> list[dict[str, Any]]:
        return [
            {
                "name": e.name,
                "size": e.size,
                "at": e.uploaded_at,
                "url": reverse("assessments:evidence_file", args=[e.pk]) if e.file else "",
                "destroyed_at": e.destroyed_at,
                "destroyed_by": e.destroyed_by,
                "remove_url": ""
                if self.readonly
                else reverse("assessments:evidence_remove", args=[e.pk]),
            }
            for e in self.sheet.evidence.get(self.item.code, [])
        ]

    @property
    def takes_evidence(self) -> bool:
        return self.item.evidence.need != "none"

    @property
    def remarks(self) -> list[ReviewRemark]:
        return [r for r in self.sheet.remarks.get(self.item.code, []) if r.closed_at is None]

    @property
    def drafts(self) -> list[ReviewRemark]:
        """Remarks that wait for the next return."""
        return [r for r in self.remarks if r.sent_at is None]

    @property
    def past_remarks(self) -> list[ReviewRemark]:
        """Remarks of earlier rounds, with what the unit said to them."""
        return [r for r in self.sheet.remarks.get(self.item.code, []) if r.closed_at is not None]

    @property
    def contradictions(self) -> tuple[Contradiction, ...]:
        rows = (doubt.rows for doubt in self.sheet.doubts if doubt.item is self.item)
        return next(rows, ())


def item_blocks(
    sheet: LoadedSheet,
    section: str = "",
    *,
    readonly: bool,
    sent: Sequence[SentRemark] = (),
    refused: RefusedItem | None = None,
) -> list[ItemBlock]:
    """Blocks of a section (or of the sheet) in the order of the file; derived items ask nothing and
    are left out.

    Args:
        sent: remarks before the unit, of any sheet.
        refused: the item whose form was sent and not wholly saved.
    """
    return [
        ItemBlock(
            sheet,
            item,
            readonly,
            [one for one in sent if one.sheet is sheet and one.item is item],
            refused if refused and refused.item is item else None,
        )
        for item in sheet.definition.items_of(sheet.row.scope_name, section)
        if not item.derived
    ]


@dataclass
class SectionLink:
    """A section in the left column with its state.

    `state` is one of: faulty, contradicts, nonconforming, empty, progress, done, elsewhere,
    not_applicable. `party`: who answers where the unit need not.
    """

    sheet: LoadedSheet
    section: schema.Section
    state: str
    done: int
    total: int
    current: bool = False
    party: str = "unit"

    LABELS = {
        "faulty": "填写有误",
        "contradicts": "有疑点",
        "nonconforming": "有不符合",
        "empty": "未填",
        "progress": "填报中",
        "done": "已完成",
        "not_applicable": "不适用",
    }

    @property
    def label(self) -> str:
        if self.state == "elsewhere":
            return f"由{schema.PARTIES[self.party]}答复"
        return self.LABELS[self.state]

    @property
    def url(self) -> str:
        row = self.sheet.row
        return reverse("assessments:section", args=[row.selfcheck_id, row.pk, self.section.code])


def section_links(sheet: LoadedSheet, current: str = "") -> list[SectionLink]:
    """The sections of a sheet with their states, in order."""
    links = []
    for section in sheet.sections():
        items = [
            item
            for item in sheet.definition.items_of(sheet.row.scope_name, section.code)
            if sheet.judged.shown(item.code)
        ]
        outcomes = [sheet.outcomes[item.code] for item in items]
        required = [o for o in outcomes if o.required]
        done = sum(o.complete for o in required)
        party = next((o.party for o in outcomes if o.party != "unit"), "unit")
        if any(o.faults for o in outcomes):
            state = "faulty"
        elif any(doubt.unexplained and doubt.item in items for doubt in sheet.doubts):
            state = "contradicts"
        elif done < len(required):
            state = "progress" if done else "empty"
        elif any(o.has_finding for o in outcomes):
            state = "nonconforming"
        elif required:
            state = "done"
        else:
            state = "not_applicable" if party == "unit" else "elsewhere"
        links.append(
            SectionLink(sheet, section, state, done, len(required), section.code == current, party)
        )
    return links


@dataclass(frozen=True)
class Step:
    """The one next thing to do, as the primary button says it."""

    label: str
    url: str


def next_step(selfcheck: SelfCheck, sheets: list[LoadedSheet], user: User) -> Step | None:
    """Return what this person should do next with the self-check, None if it is not their turn."""
    if selfcheck.archived:
        return None
    summary = reverse("assessments:summary", args=[selfcheck.pk])
    if selfcheck.editable and user.can("selfcheck.fill", selfcheck):
        for sheet in sheets:
            for link in section_links(sheet):
                if link.done < link.total or link.state == "faulty":
                    first = selfcheck.status == SelfCheck.Status.NOT_STARTED
                    return Step("开始填报" if first else "继续填报", link.url)
        if actions.unregistered(sheets):
            return Step(
                "登记邮件系统", reverse("inventory:system_create", args=[selfcheck.unit_id])
            )
        return Step("核对并提交审签", summary)
    if selfcheck.status == SelfCheck.Status.TO_SIGN:
        if user.can("selfcheck.sign", selfcheck):
            return Step("核对并审签", summary)
        if user.can("selfcheck.fill", selfcheck):
            return Step("打印盖章或撤回", summary)
    if selfcheck.status == SelfCheck.Status.TO_REVIEW and actions.is_reviewer(user, selfcheck):
        return Step("开始复核", reverse("assessments:review", args=[selfcheck.pk]))
    if selfcheck.status == SelfCheck.Status.ACCEPTED and user.can("finding.confirm", selfcheck):
        return Step("确认问题", reverse("rectification:confirm", args=[selfcheck.pk]))
    return None
