"""The state machine of a unit's application to be registered."""

from accounts.models import Registration
from audit.lifecycle import Lifecycle, Transition

_S = Registration.Status

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
