"""What static/js/autosave.js is told; its contract stands at the head of that file."""

import datetime as dt
from collections.abc import Iterable
from typing import Any, Protocol

from django.http import JsonResponse

from emailsec.lib.classified import ADVICE, is_marked


class Saved(Protocol):
    """A row of one saved field: an answer, a draft."""

    version: int
    value: str
    updated_at: dt.datetime
    updated_by: Any


def classified_answer(values: Iterable[str]) -> JsonResponse | None:
    """422 where one of `values` carries the mark of a classified paper, else None: the browser then
    forgets its own copy as well, and the text stands on the open page only."""
    if any(map(is_marked, values)):
        return JsonResponse({"error": ADVICE, "forget": True}, status=422)
    return None


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
