"""The office's review: remarks and what the unit says to them, return, acceptance."""

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from assessments.actions.base import Refused, may_fill, may_review, note
from assessments.lifecycles import SELFCHECK
from assessments.models import (
    Contradiction,
    ReviewRemark,
    SelfCheck,
    Sheet,
)
from assessments.rules.schema import Item
from assessments.sheets import (
    conclude,
    load_sheets,
)
from audit.trail import record
from emailsec.lib.workdays import today
from inbox.actions import tell_unit


@transaction.atomic
def add_remark(sheet: Sheet, item: Item, text: str, *, by: User) -> ReviewRemark:
    """Note at an item what the unit must correct; sent with the return."""
    may_review(sheet.selfcheck, by)
    text = note(text, ask="请填写意见。")
    remark, _ = ReviewRemark.objects.update_or_create(
        sheet=sheet,
        item=item.code,
        sent_at=None,
        closed_at=None,
        defaults={"text": text, "by": by},
    )
    return remark


@transaction.atomic
def reply_to_remark(remark: ReviewRemark, text: str, *, by: User) -> None:
    """Keep what the unit says to a remark that came with a return.

    Raises:
        Refused: the self-check is not in the unit's hands, the remark is not before the unit, or
            the text is empty or too long.
    """
    may_fill(remark.sheet.selfcheck, by)
    if remark.sent_at is None or remark.closed_at is not None:
        raise Refused("这条意见已办结，不需要再说明。")
    remark.reply = note(text, ask="请写明对这条意见的说明。")
    remark.replied_by, remark.replied_at = by, timezone.now()
    remark.save(update_fields=["reply", "replied_by", "replied_at"])
    record("remark.reply", remark, by=by, details={"item": remark.item})


@transaction.atomic
def drop_remark(remark: ReviewRemark, *, by: User) -> None:
    """Take back a remark that was not sent yet."""
    may_review(remark.sheet.selfcheck, by)
    if remark.sent_at is not None:
        raise Refused("意见已随退回发出，不能删除。")
    remark.delete()


@transaction.atomic
def return_to_unit(selfcheck: SelfCheck, *, reason: str, by: User) -> int:
    """Send the sheet back with its remarks; the signature is void. Return the remarks sent.

    Remarks of an earlier return are closed: what the unit did not mend is written again.
    """
    may_review(selfcheck, by)
    reason = note(reason)
    remarks = ReviewRemark.objects.filter(sheet__selfcheck=selfcheck, sent_at=None)
    count = remarks.count()
    if not count and not reason:
        raise Refused("请至少写一条逐项意见或总体理由。")
    now = timezone.now()
    _close_sent(selfcheck)
    remarks.update(sent_at=now)
    selfcheck.signoffs.filter(voided_at=None).update(voided_at=now)
    SELFCHECK.move(
        selfcheck,
        "return",
        by=by,
        reason=reason or f"请按 {count} 条逐项意见修改。",
        also={"submitted_on": None, "returned": True},
    )
    tell_unit(
        selfcheck.unit,
        title=f"自查表被退回：{count} 条意见",
        body=reason,
        url=reverse("assessments:selfcheck_detail", args=[selfcheck.pk]),
        roles=(Role.FILLER, Role.SIGNER),
    )
    return count


def _close_sent(selfcheck: SelfCheck) -> None:
    sent = ReviewRemark.objects.filter(sheet__selfcheck=selfcheck, sent_at__isnull=False)
    sent.filter(closed_at=None).update(closed_at=timezone.now())


@transaction.atomic
def accept(selfcheck: SelfCheck, *, by: User) -> None:
    """Pass the review: the self-check is frozen and its conclusion dated.

    Raises:
        Refused: a 疑点 is undecided, or remarks were written but not sent.
    """
    may_review(selfcheck, by)
    sheets = load_sheets(selfcheck)
    undecided = sum(doubt.undecided for sheet in sheets for doubt in sheet.doubts)
    if undecided:
        raise Refused(f"还有 {undecided} 题有疑点未裁定，请先逐项裁定。")
    if ReviewRemark.objects.filter(sheet__selfcheck=selfcheck, sent_at=None).exists():
        raise Refused("还有未发出的逐项意见；请退回修改，或先删除这些意见。")
    result = conclude(sheets)
    upheld = Contradiction.objects.filter(sheet__selfcheck=selfcheck, status="upheld").exists()
    conclusion = result.code
    if upheld and conclusion == "clean":
        conclusion = "problems"
    _close_sent(selfcheck)
    SELFCHECK.move(
        selfcheck, "accept", by=by, also={"conclusion": conclusion, "concluded_on": today()}
    )
    tell_unit(
        selfcheck.unit,
        title="自查表已复核通过",
        body=f"审核结论：{selfcheck.get_conclusion_display()}",
        url=reverse("assessments:selfcheck_detail", args=[selfcheck.pk]),
    )
