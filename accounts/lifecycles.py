"""The state machines of a grant and of a unit's application to be registered."""

from accounts.models import Grant, Registration
from audit.lifecycle import Lifecycle, Transition

_G = Grant.Status
_S = Registration.Status

GRANT = Lifecycle(
    "grant",
    "accounts.GrantChange",
    [
        Transition("confirm", (_G.REQUESTED,), _G.CONFIRMED, "grant.manage", "确认授权"),
        Transition(
            "refuse", (_G.REQUESTED,), _G.REFUSED, "grant.manage", "不同意", reason_required=True
        ),
        Transition("withdraw", (_G.REQUESTED,), _G.WITHDRAWN, "account.manage", "撤回申请"),
        # Power is taken away by one person, at once.
        Transition(
            "revoke", (_G.CONFIRMED,), _G.ENDED, "grant.manage", "撤销授权", reason_required=True
        ),
        Transition(
            "end", (_G.CONFIRMED,), _G.ENDED, "account.manage", "终止任职", reason_required=True
        ),
        # The person leaves: their unit or office ends it and hands over what waited for them.
        Transition(
            "leave", (_G.CONFIRMED,), _G.ENDED, "staff.manage", "离岗", reason_required=True
        ),
        Transition(
            "move_on", (_G.CONFIRMED,), _G.ENDED, "colleague.manage", "离任", reason_required=True
        ),
        Transition("lapse", (_G.REQUESTED,), _G.WITHDRAWN, "system", "随账号停用失效"),
        # The account was stopped: what it held has to be confirmed again before it counts.
        Transition("stop", (_G.CONFIRMED,), _G.ENDED, "account.manage", "随账号停用终止"),
        Transition("idle", (_G.CONFIRMED,), _G.ENDED, "system", "随长期未登录停用终止"),
        # Log-in or second factor were reset: see accounts.actions.grants.hold_grants.
        Transition("hold", (_G.CONFIRMED,), _G.ENDED, "account.manage", "随重置终止，待重新确认"),
        Transition("ask_anew", (_G.REQUESTED,), _G.WITHDRAWN, "account.manage", "随重置重新申请"),
    ],
)

REGISTRATION = Lifecycle(
    "registration",
    "accounts.RegistrationChange",
    [
        Transition("approve", (_S.PENDING,), _S.APPROVED, "unit.manage", "通过并登记单位"),
        Transition(
            "refuse", (_S.PENDING,), _S.REFUSED, "unit.manage", "不予通过", reason_required=True
        ),
        Transition(
            "pass_on", (_S.PENDING,), _S.PENDING, "unit.manage", "转交", reason_required=True
        ),
    ],
)
