"""The office's review: remarks, return, acceptance."""

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from assessments.actions.base import Refused, may_review
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
from emailsec.lib.workdays import today
from inbox.actions import tell_unit


@transaction.atomic
def add_remark(sheet: Sheet, item: Item, text: str, *, by: User) -> ReviewRemark:
    """Note at an item what the unit must correct; sent with the return."""
    may_review(sheet.selfcheck, by)
    if not text.strip():
        raise Refused("请填写意见。")
    remark, _ = ReviewRemark.objects.update_or_create(
        sheet=sheet,
        item=item.code,
        sent_at=None,
        closed_at=None,
        defaults={"text": text.strip()[:500], "by": by},
    )
    return remark


@transaction.atomic
def drop_remark(remark: ReviewRemark, *, by: User) -> None:
    """Take back a remark that was not sent yet."""
    may_review(remark.sheet.selfcheck, by)
    if remark.sent_at is not None:
        raise Refused("意见已随退回发出，不能删除。")
    remark.delete()


@transaction.atomic
def return_to_unit(selfcheck: SelfCheck, *, reason: str, by: User) -> int:
    """Send the sheet back with its remarks; the signature is void. Return the remarks sent."""
    may_review(selfcheck, by)
    remarks = ReviewRemark.objects.filter(sheet__selfcheck=selfcheck, sent_at=None)
    count = remarks.count()
    if not count and not reason.strip():
        raise Refused("请至少写一条逐项意见或总体理由。")
    now = timezone.now()
    remarks.update(sent_at=now)
    selfcheck.signoffs.filter(voided_at=None).update(voided_at=now)
    SELFCHECK.move(
        selfcheck,
        "return",
        by=by,
        reason=reason.strip() or f"请按 {count} 条逐项意见修改。",
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


@transaction.atomic
def accept(selfcheck: SelfCheck, *, by: User) -> None:
    """Pass the review: the self-check is frozen and its conclusion dated.

    Raises:
        Refused: a 疑点 is undecided, or remarks were written but not sent.
    """
    may_review(selfcheck, by)
    undecided = Contradiction.objects.filter(
        sheet__selfcheck=selfcheck, status__in=["open", "explained"]
    ).count()
    if undecided:
        raise Refused(f"还有 {undecided} 处疑点未裁定，请先逐项裁定。")
    if ReviewRemark.objects.filter(sheet__selfcheck=selfcheck, sent_at=None).exists():
        raise Refused("还有未发出的逐项意见；请退回修改，或先删除这些意见。")
    result = conclude(load_sheets(selfcheck))
    upheld = Contradiction.objects.filter(sheet__selfcheck=selfcheck, status="upheld").exists()
    conclusion = result.code
    if upheld and conclusion == "clean":
        conclusion = "problems"
    ReviewRemark.objects.filter(sheet__selfcheck=selfcheck, closed_at=None).update(
        closed_at=timezone.now()
    )
    SELFCHECK.move(
        selfcheck, "accept", by=by, also={"conclusion": conclusion, "concluded_on": today()}
    )
    tell_unit(
        selfcheck.unit,
        title="自查表已复核通过",
        body=f"审核结论：{selfcheck.get_conclusion_display()}",
        url=reverse("assessments:selfcheck_detail", args=[selfcheck.pk]),
    )
