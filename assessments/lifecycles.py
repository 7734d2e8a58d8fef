"""The state machines of a campaign and of a self-check."""

from assessments.models import Campaign, SelfCheck
from audit.lifecycle import Lifecycle, Transition

_C = Campaign.Status
_S = SelfCheck.Status

CAMPAIGN = Lifecycle(
    "campaign",
    "assessments.CampaignChange",
    [
        Transition("publish", (_C.DRAFT,), _C.PUBLISHED, "campaign.manage", "发布"),
        Transition(
            "set_deadline",
            (_C.PUBLISHED,),
            _C.PUBLISHED,
            "campaign.manage",
            "调整截止日期",
            reason_required=True,
        ),
        Transition("close", (_C.PUBLISHED,), _C.CLOSED, "campaign.manage", "截止"),
        Transition("archive", (_C.CLOSED,), _C.ARCHIVED, "campaign.manage", "归档"),
    ],
)


def over(selfcheck: SelfCheck) -> str:
    """Why a self-check can only be read (Chinese); "" while its campaign is not archived."""
    if not selfcheck.archived:
        return ""
    return f"“{selfcheck.campaign}”已归档，自查表只供查阅，不能再填报、报送或复核。"


SELFCHECK = Lifecycle(
    "selfcheck",
    "assessments.SelfCheckChange",
    [
        Transition("start", (_S.NOT_STARTED,), _S.FILLING, "selfcheck.fill", "开始填报"),
        Transition("submit", (_S.FILLING,), _S.TO_SIGN, "selfcheck.fill", "提交审签"),
        Transition("withdraw", (_S.TO_SIGN,), _S.FILLING, "selfcheck.fill", "撤回修改"),
        Transition(
            "refuse",
            (_S.TO_SIGN,),
            _S.FILLING,
            "selfcheck.sign",
            "退回填报人",
            "审签人退回",
            reason_required=True,
        ),
        Transition("sign", (_S.TO_SIGN,), _S.TO_REVIEW, "selfcheck.sign", "在线审签并报送"),
        Transition(
            "sign_stamped", (_S.TO_SIGN,), _S.TO_REVIEW, "selfcheck.fill", "上传盖章扫描件并报送"
        ),
        Transition(
            "return",
            (_S.TO_REVIEW,),
            _S.FILLING,
            "selfcheck.review",
            "退回修改",
            "被退回",
            reason_required=True,
        ),
        Transition("accept", (_S.TO_REVIEW,), _S.ACCEPTED, "selfcheck.review", "复核通过"),
    ],
    closed=over,
)
