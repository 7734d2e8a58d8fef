"""What the acts share: the refusal, and whose account may be managed."""

from accounts.models import User
from audit.trail import Actor


class Refused(Exception):
    """A rule of this room forbids the act; `str(error)` is Chinese and meant for the person."""


def not_portal_nor_self(user: User, by: Actor) -> None:
    """Refuse to manage one's own account, or one of the 三员, from within the portal."""
    if user.pk == by.pk:
        raise Refused("不能对自己的账号这样操作。")
    if user.is_portal_side:
        raise Refused("三员账号不在平台内管理，由运维人员在服务器上办理。")
