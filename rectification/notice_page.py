"""What the page of a notice shows: the state of the case and the one next action."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from accounts.models import User
from emailsec.lib.words import cn_date
from inventory.models import Unit
from rectification import pages
from rectification.actions.base import drew_up, may_handle, office_in_charge
from rectification.actions.replies import may_reply
from rectification.forms import (
    DecisionForm,
    ExtensionForm,
    PlainForm,
    ReasonForm,
    RefusalForm,
    ScanForm,
    SignForm,
)
from rectification.lifecycles import NOTICE
from rectification.models import Extension, Notice, NoticeChange, NoticeScan
from rectification.rechecks import with_rounds
from rectification.trail import trail_of

_S = Notice.Status
_SHOWN = 30


@dataclass(frozen=True)
class NextStep:
    """What is to be done now.

    Attributes:
        words: one sentence: who must do what.
        label: the button's verb; "" where somebody else is to act.
        url: where the button leads, or posts to.
        post: the button sends a POST.
        confirm: question asked before.
    """

    words: str
    label: str = ""
    url: str = ""
    post: bool = False
    confirm: str = ""


def context_of(
    notice: Notice, user: User, cards: list[pages.Card], bound: Mapping[str, PlainForm]
) -> dict[str, Any]:
    """Everything that notice_detail.html draws."""
    office = user.is_office_side
    items = list(
        notice.items.select_related("finding__system").prefetch_related("finding__sources")
    )
    rounds = with_rounds(item.finding for item in items)
    documents = {d.kind: d for d in notice.documents.order_by("id")}
    scans = list(NoticeScan.objects.visible_to(user).filter(notice=notice).select_related("by"))
    offered = _forms(notice, user, scans)
    forms = offered | {name: form for name, form in bound.items() if name in offered}
    changes = list(notice.changes.all())
    return {
        "notice": notice,
        "reads_unit": Unit.objects.visible_to(user).filter(pk=notice.unit_id).exists(),
        "in_charge": office_in_charge(notice),
        "items": [{"item": i, "recheck": next(iter(rounds[i.finding_id]), None)} for i in items],
        "ordered": [i for i in items if not i.annex],
        "annex": [i for i in items if i.annex],
        "done": sum(i.ended_on is not None for i in items if not i.annex),
        "paper": documents.get("notice"),
        "office_paper": documents.get("notice_file") if office else None,
        "problem": getattr(notice, "render_problem", None) if office else None,
        "scans": scans,
        "step": _to_decide(forms)
        or next_step(notice, user, items, cards, documents, scans, changes),
        "forms": forms,
        "extensions": notice.extensions.select_related("asked_by", "decided_by"),
        "may_decide": may_handle(user, "notice.extend", notice),
        "cards": cards,
        "watching": any(card.pending for card in cards),
        "poll_url": reverse("rectification:notice_rechecks", args=[notice.pk]),
        "rescan_url": reverse("rectification:notice_rescan", args=[notice.pk]),
        "report_url": reverse("reports:report_issue", args=[notice.pk])
        if notice.status in Notice.SERVED_OR_LATER and user.can("report.print", notice)
        else "",
        "may_rescan": any(c.may_recheck and c.finding.observable for c in cards),
        "two_persons": notice.status in {_S.DRAFTED, _S.CHECKED} and drew_up(user, notice),
        "may_revise": notice.status == _S.DRAFTED and may_handle(user, "notice.draft", notice),
        "sent_back": notice.sent_back if office else None,
        "ending": next((c for c in changes if c.target == _S.VOID), None),
        "trail": trail_of(notice, changes, inner=office),
        "office_side": office,
        "under_way": notice.status in Notice.SERVED_OR_LATER or notice.is_revoked,
        "history": _history(notice, changes, user),
    }


# How the office came to its notice is its own; the unit reads the case from 送达 on.
_INNER = frozenset({"revise", "withdraw", "send_back", "check", "approve"})


def _history(notice: Notice, changes: list[NoticeChange], user: User) -> list[pages.Entry]:
    if not user.is_office_side:
        outer = [c for c in changes if c.action not in _INNER]
        return pages.history(outer[:_SHOWN], office=False)
    began = pages.Entry(notice.created_at, notice.drafted_by.name, "拟稿")
    return [*pages.history(changes[:_SHOWN], office=True), began]


def _forms(notice: Notice, user: User, scans: list[NoticeScan]) -> dict[str, PlainForm]:
    """The forms that the person may send now, by the name of their act."""
    actions = {t.action for t in NOTICE.open_to(notice, user)}
    handles = may_handle(user, "notice.read", notice)
    forms: dict[str, PlainForm] = {}
    for act in ("send_back", "void", "revoke"):
        if handles and act in actions:
            forms[act] = ReasonForm(key=act, label=REASONS[act], help_text=_help(act, notice))
    if "withdraw" in actions and may_handle(user, "notice.draft", notice):
        forms["withdraw"] = ReasonForm(key="withdraw", label=REASONS["withdraw"])
    if handles and "refuse" in actions:
        forms["refuse"] = RefusalForm(key="refuse")
    if "sign" in actions:
        forms["sign"] = SignForm(key="sign", initial={"received_by": user.name})
    if may_handle(user, "notice.serve", notice):
        if notice.status == _S.APPROVED:
            forms["scan_notice"] = ScanForm(key="scan_notice")
        elif notice.status in Notice.SERVED_OR_LATER:
            forms["scan_receipt"] = ScanForm(key="scan_receipt")
    if user.can("notice.reply", notice) and notice.status in Notice.SERVED_OR_LATER:
        forms["scan_report"] = ScanForm(key="scan_report")
    running = notice.status in {_S.SERVED, _S.SIGNED, _S.REFUSED} and not notice.is_overdue
    asked = notice.extensions.filter(status=Extension.Status.ASKED).exists()
    if running and not asked and user.can("notice.ask_extension", notice):
        forms["extension"] = ExtensionForm(key="extension", deadline=notice.deadline)
    decides = asked and may_handle(user, "notice.extend", notice)
    if decides and not drew_up(user, notice):
        forms["decision"] = DecisionForm(key="decision")
    return forms


REASONS = {
    "withdraw": "撤回理由",
    "send_back": "退回理由",
    "void": "作废理由",
    "revoke": "撤销理由",
}


def _help(act: str, notice: Notice) -> str:
    if act == "send_back":
        return "写明改什么，承办人会收到消息。"
    if act == "revoke":
        return "文号保留，不再使用；单位会收到消息，未了结的问题恢复为待整改。"
    return "文号保留，不再使用。" if notice.number else ""


def _to_decide(forms: Mapping[str, PlainForm]) -> NextStep | None:
    """What waits for the 批准人 while the unit repairs."""
    if "decision" not in forms:
        return None
    return NextStep("单位申请延期，请审批。", "审批延期", "#extensions")


def next_step(
    notice: Notice,
    user: User,
    items: list[Any],
    cards: list[pages.Card],
    documents: Mapping[str, Any],
    scans: list[NoticeScan],
    changes: list[NoticeChange],
) -> NextStep:
    """Say what the case waits for, and offer the person's own next act."""

    def url(name: str) -> str:
        return reverse(f"rectification:{name}", args=[notice.pk])

    status = notice.status
    if status in {_S.DRAFTED, _S.CHECKED}:
        return _to_approve(notice, user, url)
    if status == _S.APPROVED:
        return _to_serve(notice, user, url, documents, scans)
    if status == _S.SERVED:
        if user.can("notice.receive", notice):
            return NextStep("请核对内容后签收。", "签收", "#sign")
        return NextStep("待单位审签人签收。")
    if status == _S.FINISHED:
        if user.can("report.print", notice):
            where = reverse("reports:report_issue", args=[notice.pk])
            return NextStep("责令整改的问题已全部销号。", "导出整改报告", where)
        return NextStep("责令整改的问题已全部销号。")
    if status == _S.VOID:
        return NextStep(_ended(notice, changes))
    return _to_repair(notice, user, url, items, cards)


def _ended(notice: Notice, changes: list[NoticeChange]) -> str:
    """When a void notice ended, and how."""
    change = next((c for c in changes if c.target == _S.VOID), None)
    verb = NOTICE.transitions[change.action].label if change is not None else "作废"
    when = f"于{cn_date(change.at)}" if change is not None else ""
    return f"此通知已{when}{verb}。"


def _to_approve(notice: Notice, user: User, url: Any) -> NextStep:
    if notice.sent_back:
        if may_handle(user, "notice.draft", notice):
            return NextStep("拟稿已退回，请修改后再次提交。", "修改拟稿", url("notice_edit"))
        return NextStep("拟稿已退回承办人修改。")
    if drew_up(user, notice):
        return NextStep("待另一人审核、批准：拟稿人不能审核或批准自己拟制的通知。")
    if notice.checked_by_id == user.pk:
        return NextStep("待另一人批准：审核人不能批准自己审核的通知。")
    if may_handle(user, "notice.approve", notice):
        numbered = notice.office.own_numbering
        return NextStep(
            "请核对问题、依据和期限。",
            "批准并编号" if numbered else "批准",
            url("approve"),
            post=True,
            confirm="批准后文号即占用，内容不能再改。批准这份通知？",
        )
    if notice.status == _S.DRAFTED and may_handle(user, "notice.check", notice):
        return NextStep("请核对问题、依据和期限。", "审核通过", url("check"), post=True)
    return NextStep("待批准人批准。" if notice.status == _S.CHECKED else "待审核、批准。")


def _to_serve(
    notice: Notice, user: User, url: Any, documents: Mapping[str, Any], scans: list[NoticeScan]
) -> NextStep:
    if not may_handle(user, "notice.serve", notice):
        return NextStep("待承办人打印用印、上传盖章件并送达。")
    if "notice" not in documents:
        return NextStep("文书正在生成，完成后打印用印。", "刷新", url("notice_detail"))
    if not any(s.kind == NoticeScan.Kind.NOTICE for s in scans):
        return NextStep("请打印用印，然后上传盖章后的通知书。", "上传盖章通知书", "#scan_notice")
    return NextStep(
        "盖章件已上传，可以送达。",
        "送达",
        url("serve"),
        post=True,
        confirm=f"送达后单位即可看到，整改期限开始计算。送达 {notice.number}？",
    )


def _to_repair(
    notice: Notice, user: User, url: Any, items: list[Any], cards: list[pages.Card]
) -> NextStep:
    waiting = [item for item in items if may_reply(notice, item) and not item.annex]
    if user.can("notice.reply", notice) and waiting:
        return NextStep(f"还有 {len(waiting)} 个问题待整改反馈。", "提交整改反馈", url("reply"))
    mine = [card for card in cards if card.may_recheck]
    if any(card.pending for card in mine):
        return NextStep("远程复测进行中，结果显示在下面。")
    if closable := [card for card in cards if card.may_close]:
        return NextStep(f"{len(closable)} 个问题复查已通过，请逐个销号。", "去销号", "#rechecks")
    if any(card.finding.observable and card.rescan is None for card in mine):
        return NextStep("反馈已到，请复查。", "远程复测", url("notice_rescan"), post=True)
    if any(not card.passed for card in mine):
        return NextStep("请书面或现场复查。", "去复查", "#rechecks")
    if mine:
        return NextStep("复查已通过，待本机关另一人销号。")
    if waiting:
        return NextStep(f"单位整改中，还有 {len(waiting)} 个问题没有反馈。")
    return NextStep("待监管机关复查。" if cards else "单位整改中。")
