"""The state machines of a finding and of a notice."""

from audit.lifecycle import Lifecycle, Transition
from rectification.models import Finding, Notice

_F = Finding.Status
_N = Notice.Status

FINDING = Lifecycle(
    "finding",
    "rectification.FindingChange",
    [
        Transition("notify", (_F.OPEN,), _F.NOTIFIED, "notice.serve", "列入通知"),
        Transition("rectify", (_F.NOTIFIED,), _F.RECTIFYING, "notice.receive", "开始整改"),
        Transition("note_refusal", (_F.NOTIFIED,), _F.RECTIFYING, "notice.serve", "拒签，期限照算"),
        Transition("reply", (_F.RECTIFYING,), _F.TO_RECHECK, "notice.reply", "提交整改反馈"),
        Transition("retest_passed", (_F.OPEN, _F.NOTIFIED), _F.TO_RECHECK, "system", "复测已符合"),
        Transition(
            "fail",
            (_F.TO_RECHECK,),
            _F.RECTIFYING,
            "finding.recheck",
            "复查不通过",
            "复查不通过，请继续整改",
            reason_required=True,
        ),
        # A re-test passed before any notice was served, and does not hold.
        Transition(
            "fail_open",
            (_F.TO_RECHECK,),
            _F.OPEN,
            "finding.recheck",
            "复查不通过",
            reason_required=True,
        ),
        # The notice that carried it was revoked; what the unit answered stays on record.
        Transition(
            "release",
            (_F.NOTIFIED, _F.RECTIFYING, _F.TO_RECHECK),
            _F.OPEN,
            "notice.void",
            "整改通知撤销",
            reason_required=True,
        ),
        Transition("close", (_F.TO_RECHECK,), _F.CLOSED, "finding.close", "销号"),
        Transition(
            "dispute_upheld",
            (_F.OPEN, _F.NOTIFIED, _F.RECTIFYING, _F.TO_RECHECK),
            _F.FALSE_ALARM,
            "notice.approve",
            "确认误报",
            reason_required=True,
        ),
        Transition(
            "transfer", (_F.OPEN,), _F.TRANSFERRED, "notice.approve", "移送", reason_required=True
        ),
        Transition(
            "reopen", (_F.CLOSED,), _F.OPEN, "finding.confirm", "重新列为问题", reason_required=True
        ),
    ],
)

NOTICE = Lifecycle(
    "notice",
    "rectification.NoticeChange",
    [
        Transition("revise", (_N.DRAFTED,), _N.DRAFTED, "notice.draft", "修改拟稿"),
        Transition(
            "withdraw",
            (_N.DRAFTED,),
            _N.VOID,
            "notice.draft",
            "撤回拟稿",
            reason_required=True,
        ),
        Transition(
            "send_back",
            (_N.DRAFTED, _N.CHECKED),
            _N.DRAFTED,
            "notice.return",
            "退回拟稿",
            reason_required=True,
        ),
        Transition("check", (_N.DRAFTED,), _N.CHECKED, "notice.check", "审核通过"),
        Transition(
            "approve", (_N.DRAFTED, _N.CHECKED), _N.APPROVED, "notice.approve", "批准并编号"
        ),
        Transition("serve", (_N.APPROVED,), _N.SERVED, "notice.serve", "送达"),
        Transition("sign", (_N.SERVED,), _N.SIGNED, "notice.receive", "签收"),
        Transition(
            "refuse", (_N.SERVED,), _N.REFUSED, "notice.serve", "注明拒签", reason_required=True
        ),
        Transition("reply", (_N.SIGNED, _N.REFUSED), _N.REPLIED, "notice.reply", "提交整改反馈"),
        Transition("again", (_N.REPLIED,), _N.SIGNED, "finding.recheck", "复查不通过，继续整改"),
        # The same where the unit had refused to sign: the case must not look signed afterwards.
        Transition(
            "again_refused", (_N.REPLIED,), _N.REFUSED, "finding.recheck", "复查不通过，继续整改"
        ),
        # Follows by itself from the last 销号, which a re-test may bring before the reply.
        Transition(
            "finish", (_N.SERVED, _N.SIGNED, _N.REFUSED, _N.REPLIED), _N.FINISHED, "system", "办结"
        ),
        Transition(
            "void",
            (_N.DRAFTED, _N.CHECKED, _N.APPROVED),
            _N.VOID,
            "notice.void",
            "作废",
            reason_required=True,
        ),
        # The unit went to another office before it had the notice; nobody could serve it any more.
        Transition(
            "handed_over",
            (_N.DRAFTED, _N.CHECKED, _N.APPROVED),
            _N.VOID,
            "system",
            "移交后作废",
            reason_required=True,
        ),
        # After 送达: the number stays used, the unit reads why.
        Transition(
            "revoke",
            (_N.SERVED, _N.SIGNED, _N.REFUSED, _N.REPLIED),
            _N.VOID,
            "notice.void",
            "撤销",
            reason_required=True,
        ),
    ],
)
