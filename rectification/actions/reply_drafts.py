"""What a unit types into a reply is kept field by field until it hands the reply in."""

from dataclasses import dataclass
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from emailsec.lib.classified import ADVICE, is_marked
from emailsec.lib.words import storable
from rectification.actions.base import Refused, lock, too_long
from rectification.actions.replies import may_reply
from rectification.models import Notice, NoticeItem, ReplyDraft

FIELDS: Final = ("analysis", "measures", "responsible", "completed_on")
# More than any field takes in the end: a text that is still too long must not be lost.
MAX_DRAFT: Final = 5000


@dataclass
class Overtaken(Exception):
    """Somebody else saved the same field first; `current` is what is stored now."""

    current: ReplyDraft


@transaction.atomic
def save_reply_draft(
    notice: Notice, item: NoticeItem, field: str, value: str, *, seen_version: int, by: User
) -> ReplyDraft:
    """Keep what stands in one field of a reply. Whether it can be handed in is asked then.

    Args:
        item: of this notice, its finding loaded.
        field: one of FIELDS.
        seen_version: version that the person's page showed; 0 where it showed none.

    Raises:
        Overtaken: the stored version is another one.
        Refused: not the turn of this finding, no such field, or longer than MAX_DRAFT characters.
        PermissionDenied: not a 填报人 of the unit.
    """
    if not by.can("notice.reply", notice):
        raise PermissionDenied("notice.reply")
    # A save and the handing in of the same reply queue here: no draft comes back after it.
    lock(notice)
    item.refresh_from_db()
    item.finding.refresh_from_db()
    if not may_reply(notice, item):
        raise Refused("这一项已经提交或不再需要反馈，所填内容没有保存；请刷新页面查看。")
    if field not in FIELDS:
        raise Refused("没有这个填写项，请刷新页面。")
    value = storable(value)
    if is_marked(value):
        raise Refused(ADVICE)
    if len(value) > MAX_DRAFT:
        raise Refused(too_long(MAX_DRAFT, len(value)))
    now = timezone.now()
    draft: ReplyDraft | None = item.drafts.select_related("updated_by").filter(field=field).first()
    if draft is None:
        # Version 0, or that of a draft which an earlier reply cleared.
        draft = ReplyDraft(item=item, field=field, version=0)
    elif draft.version != seen_version:
        raise Overtaken(draft)
    draft.value, draft.updated_by, draft.updated_at = value, by, now
    draft.version += 1
    draft.save()
    return draft
