"""What static/js/autosave.js is told; its contract stands at the head of that file."""

import datetime as dt
from typing import Any, Protocol

from django.http import JsonResponse


class Saved(Protocol):
    """A row of one saved field: an answer, a draft."""

    version: int
    value: str
    updated_at: dt.datetime
    updated_by: Any


def overtaken_answer(
    current: Saved, *, by: int, value: list[str] | None = None, fault: str = ""
) -> JsonResponse:
    """409: somebody saved the field first, or the same person did in another window.

    Args:
        current: what is stored now.
        by: key of the person who is told.
        value: the choices that `current.value` stands for; by default the text itself.
        fault: what is wrong with the stored value.
    """
    body = {
        "version": current.version,
        "value": [current.value] if value is None else value,
        "by": current.updated_by.name,
        "at": current.updated_at.isoformat(),
        "own": current.updated_by.pk == by,
        "fault": fault,
    }
    return JsonResponse(body, status=409)
