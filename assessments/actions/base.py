"""What every verb of a self-check rests on: how it refuses, who may fill in, who may review."""

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied

from accounts.models import User
from assessments.lifecycles import over
from assessments.models import (
    Answer,
    SelfCheck,
)
from emailsec.lib.classified import ADVICE, is_marked
from emailsec.lib.words import storable


class Refused(Exception):
    """A rule of the self-check forbids the act; `str(error)` is Chinese, meant for the person."""


@dataclass
class Conflict(Exception):
    """Somebody else saved the same answer first; `current` is what is stored now."""

    current: Answer


# What a person may write beside an item: a doubt's explanation, a remark, the answer to one.
MAX_NOTE = 500


def note(text: str, *, ask: str = "") -> str:
    """The note as it is stored; nothing is ever cut off.

    Args:
        text: as typed.
        ask: what to say where nothing was written; "" allows an empty note.

    Raises:
        Refused: marked as classified, empty where something is asked, or longer than MAX_NOTE
            characters.
    """
    text = storable(text).strip()
    if is_marked(text):
        raise Refused(ADVICE)
    if ask and not text:
        raise Refused(ask)
    if len(text) > MAX_NOTE:
        raise Refused(f"最多填写{MAX_NOTE}字，现为{len(text)}字；请精简后再保存。")
    return text


def not_over(selfcheck: SelfCheck) -> None:
    """Raises Refused when the campaign was archived."""
    if why := over(selfcheck):
        raise Refused(why)


def may_fill(selfcheck: SelfCheck, by: User) -> None:
    if not by.can("selfcheck.fill", selfcheck):
        raise PermissionDenied("selfcheck.fill")
    not_over(selfcheck)
    if not selfcheck.editable:
        raise Refused(
            f"自查表当前为“{selfcheck.get_status_display()}”，不能修改；如需修改请先撤回或等待退回。"
        )


def is_reviewer(by: User, selfcheck: SelfCheck) -> bool:
    """Whether 复核 is this person's: the authority that runs the campaign reviews; another one that
    supervises the same unit (行业主管 beside 公安) reads."""
    office = by.office
    return (
        office is not None
        and office.kind == selfcheck.campaign.office.kind
        and by.can("selfcheck.review", selfcheck)
    )


def may_review(selfcheck: SelfCheck, by: User) -> None:
    if not is_reviewer(by, selfcheck):
        raise PermissionDenied("selfcheck.review")
    not_over(selfcheck)
    if selfcheck.status != SelfCheck.Status.TO_REVIEW:
        raise Refused(f"自查表当前为“{selfcheck.get_status_display()}”，不在复核中。")
