"""Lifecycles: one table per state machine; `move` is the only way to change a status.

The same table renders the buttons, checks the power, moves the row, writes the transition row
and the audit event, and prints docs/lifecycles.md (`audit/diagrams.py`).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.utils import timezone

from audit.models import ACTION_LABELS, UNIT_LABELS, StatusChange
from audit.trail import Actor, record


class IllegalMove(Exception):
    """The object is not (or no longer) in a state from which the action may start.

    `str(error)` is Chinese and meant for the person who tried.
    """


@dataclass(frozen=True)
class Transition:
    """One row of a lifecycle table.

    Attributes:
        action: slug of the act, unique within its lifecycle.
        sources: statuses from which it may start.
        target: status it leads to.
        power: what the actor must be allowed to do (`accounts.roles`), or "system".
        label: what the button says to the office.
        unit_label: what the unit reads for the same act; defaults to `label`.
        reason_required: the actor must say why.
    """

    action: str
    sources: tuple[str, ...]
    target: str
    power: str
    label: str
    unit_label: str = ""
    reason_required: bool = False


# Every lifecycle by the dotted label of its change rows, for the diagrams of the documents.
LIFECYCLES: dict[str, "Lifecycle"] = {}


class Lifecycle:
    """A named table of transitions over one model's `status` column."""

    def __init__(
        self,
        noun: str,
        change_model: str,
        transitions: list[Transition],
        *,
        closed: Callable[[Any], str] = lambda _obj: "",
    ) -> None:
        """Args: noun: prefix of the audit action; change_model: dotted label of the
        StatusChange subclass; transitions: the table, actions unique; closed: why nothing at all
        may be done to an object now (Chinese), "" where something may."""
        self.noun = noun
        self.closed = closed
        self.change_model = change_model
        self.transitions = {t.action: t for t in transitions}
        if len(self.transitions) != len(transitions):
            raise ValueError(f"{noun}: an action occurs twice")
        LIFECYCLES[change_model.lower()] = self
        for step in transitions:
            ACTION_LABELS[change_model.lower(), step.action] = step.label
            if step.unit_label:
                UNIT_LABELS[change_model.lower(), step.action] = step.unit_label

    def __iter__(self) -> Iterator[Transition]:
        return iter(self.transitions.values())

    def open_to(self, obj: models.Model, by: Actor) -> list[Transition]:
        """Return the transitions that `by` may start on `obj` now, in table order."""
        if self.closed(obj):
            return []
        status = obj.status  # type: ignore[attr-defined]
        return [t for t in self if status in t.sources and by.can(t.power, obj)]

    def move(
        self,
        obj: Any,
        action: str,
        *,
        by: Actor,
        reason: str = "",
        also: Mapping[str, Any] | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> StatusChange:
        """Move `obj` along `action`, exactly one winner under concurrency.

        Args:
            obj: the row; its `status` (and the columns of `also`) are updated in place.
            action: slug of a transition in this table.
            by: who acts; must hold the transition's power over `obj`.
            reason: stored with the change; required where the table says so.
            also: further columns written by the same UPDATE.
            details: what the audit event tells beyond the move and its reason.

        Raises:
            PermissionDenied: `by` lacks the power.
            IllegalMove: wrong status, a lost race, a missing reason, or all is over for `obj`.
        """
        step = self.transitions[action]
        if not by.can(step.power, obj):
            raise PermissionDenied(step.power)
        if why := self.closed(obj):
            raise IllegalMove(why)
        if step.reason_required and not reason.strip():
            raise IllegalMove(f"“{step.label}”须填写理由。")
        source = obj.status
        if source not in step.sources:
            raise IllegalMove(
                f"当前状态为“{obj.get_status_display()}”，不能“{step.label}”。请刷新页面查看最新状态。"
            )
        columns = {"status": step.target, **(also or {})}
        with transaction.atomic():
            won = type(obj)._base_manager.filter(pk=obj.pk, status=source).update(**columns)
            if won != 1:
                raise IllegalMove("此事项刚刚已被他人处理，请刷新页面查看最新状态。")
            for name, value in columns.items():
                setattr(obj, name, value)
            change: StatusChange = self._change_class()(
                subject=obj,
                action=action,
                source=source,
                target=step.target,
                by_id=by.pk,
                by_label=by.label,
                at=timezone.now(),
                reason=reason,
            )
            change.save()
            record(
                f"{self.noun}.{action}",
                obj,
                by=by,
                details={
                    "from": source,
                    "to": step.target,
                    **({"reason": reason} if reason else {}),
                    **(details or {}),
                },
            )
        return change

    def _change_class(self) -> Any:
        from django.apps import apps

        return apps.get_model(self.change_model)
