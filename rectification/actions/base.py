"""What the verbs share: refusals, whose case it is, and the lock that keeps a case in step."""

from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q
from django.urls import reverse

from accounts.models import User
from audit.trail import SYSTEM
from emailsec.lib.classified import ADVICE, is_marked
from emailsec.lib.workdays import today
from inbox.actions import tell_unit
from inventory.models import Office
from rectification.lifecycles import NOTICE
from rectification.models import Finding, Notice, NoticeItem

_HEADLINE = 120


class Refused(Exception):
    """A rule of rectification forbids the act; `str(error)` is Chinese, meant for the person.

    Attributes:
        field: the form field that the refusal is about, "" for the act as a whole.
    """

    def __init__(self, text: str, *, field: str = "") -> None:
        super().__init__(text)
        self.field = field


def written(
    model: type[Model], column: str, text: str, *, label: str = "", required: bool = True
) -> str:
    """Return what a person wrote, bare, where it fits into its column: nothing is ever cut.

    Args:
        label: what the form calls it; the column's own name by default.
        required: whether it may be empty.

    Raises:
        Refused: empty though required, marked as classified, or too long; at the field named
            like the column.
    """
    field: Any = model._meta.get_field(column)
    label, longest, text = label or str(field.verbose_name), field.max_length, text.strip()
    if required and not text:
        raise Refused(f"请填写{label}。", field=column)
    if is_marked(text):
        raise Refused(ADVICE, field=column)
    if longest and len(text) > longest:
        raise Refused(too_long(longest, len(text)), field=column)
    return text


def too_long(longest: int | str, length: int | str) -> str:
    """The sentence for a text that is too long, in characters."""
    return f"最多 {longest} 字，现为 {length} 字，请精简。"


def may_handle(by: User, power: str, notice: Notice) -> bool:
    """Say whether an officer may act on a notice, its scans and its extensions: only the people
    of the office whose seal it bears, and once the unit was handed over those of the office that
    took it. The office above and other authorities that supervise the unit read it, never move
    it."""
    return by.can(power, notice) and _in_charge(by.office, notice)


def office_in_charge(notice: Notice) -> Office:
    """The office that moves a notice: the one whose seal it bears or, once the unit was handed
    over with the notice served, the one that took it."""
    now = notice.unit.supervisions.filter(kind=notice.office.kind).select_related("office").first()
    served = notice.status in Notice.SERVED_OR_LATER
    if not served or now is None or now.office.path.startswith(notice.office.path):
        return notice.office
    return cast("Office", now.office)


def _in_charge(office: Office | None, notice: Notice) -> bool:
    return office is not None and office in (notice.office, office_in_charge(notice))


def drew_up(by: User, notice: Notice) -> bool:
    """Say whether `by` drafted a notice or reworked its draft: another person must then judge."""
    if notice.drafted_by_id == by.pk:
        return True
    return bool(notice.changes.filter(action="revise", by_id=by.pk).exists())


def require_notice(by: User, power: str, notice: Notice) -> None:
    """Raise PermissionDenied unless `may_handle`."""
    if not may_handle(by, power, notice):
        raise PermissionDenied(power)


def live_item(finding: Finding) -> NoticeItem | None:
    """The place of a finding in the notice that now carries it, if any."""
    item: NoticeItem | None = (
        finding.notice_items.live().select_related("notice__office", "notice__unit").first()
    )
    return item


def may_handle_finding(by: User, power: str, finding: Finding) -> bool:
    """As `may_handle` for the office of the notice that carries the finding; one that has ended
    is still that of its last notice, and one in no notice belongs to every office that supervises
    the unit."""
    if not by.can(power, finding):
        return False
    item = live_item(finding)
    if item is None and finding.status in Finding.ENDED:
        item = finding.notice_items.select_related("notice__office").order_by("-pk").first()
    if item is not None:
        return _in_charge(by.office, item.notice)
    return finding.unit.is_supervised_by(by)


def require_finding(by: User, power: str, finding: Finding) -> None:
    """Raise PermissionDenied unless `may_handle_finding`."""
    if not may_handle_finding(by, power, finding):
        raise PermissionDenied(power)


def lock(notice: Notice) -> None:
    """Queue at the notice's row and read it afresh, so that two acts at once see each other.

    Call inside the transaction of the act.
    """
    Notice.objects.select_for_update().get(pk=notice.pk)
    notice.refresh_from_db()


def notice_url(notice: Notice) -> str:
    return reverse("rectification:notice_detail", args=[notice.pk])


def headline(text: str) -> str:
    """Text cut to what the title of a message holds."""
    return text if len(text) <= _HEADLINE else f"{text[: _HEADLINE - 1]}…"


def end_in_notice(finding: Finding) -> None:
    """Note that a finding has ended, and finish the notice with its last ordered finding."""
    item = live_item(finding)
    if item is None:
        return
    notice = item.notice
    lock(notice)
    NoticeItem.objects.filter(pk=item.pk).update(ended_on=today())
    unfinished = notice.items.live().filter(annex=False)
    if not notice.is_live or unfinished.exists():
        return
    NOTICE.move(notice, "finish", by=SYSTEM)
    tell_unit(
        notice.unit,
        title=headline(f"整改办结：{notice.number}"),
        body="责令整改的问题已全部销号，可以导出整改报告。",
        url=notice_url(notice),
    )


def number_taken(office: Office, number: str, *, but: Notice | None = None) -> bool:
    """Say whether an office's registered number already stands on another notice."""
    rows = Notice.objects.filter(Q(number=number) | Q(case_number=number), office=office)
    if but is not None:
        rows = rows.exclude(pk=but.pk)
    # A void draft never bore its number; a void numbered notice keeps it.
    return bool(rows.exclude(status=Notice.Status.VOID, number="").exists())
