"""The state machine of a letter of authorisation.

Waves and runs are moved by workers, not by people: `scans.queue` and `scans.looking` change their
status by conditional UPDATE under a lease, and a look is one event of the audit trail.
"""

from audit.lifecycle import Lifecycle, Transition
from scans.models import Authorization

_S = Authorization.Status

AUTHORIZATION = Lifecycle(
    "authorization",
    "scans.AuthorizationChange",
    [
        Transition("file", (_S.DRAFT,), _S.FILED, "authorization.file", "上传盖章扫描件并生效"),
        # The letter itself says that the unit may withdraw at any time without giving a reason.
        Transition(
            "withdraw", (_S.DRAFT, _S.FILED), _S.VOID, "authorization.file", "撤回授权", "撤回授权"
        ),
        Transition(
            "void",
            (_S.DRAFT, _S.FILED),
            _S.VOID,
            "authorization.void",
            "作废",
            "已被监管机关作废",
            reason_required=True,
        ),
        Transition("lapse", (_S.DRAFT, _S.FILED), _S.VOID, "system", "随系统停用失效"),
    ],
)
