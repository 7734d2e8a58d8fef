"""What the tree of supervising offices must not become; shared by the form and the act."""

from collections.abc import Iterator
from typing import Any

from django.db import models

from inventory.jurisdiction import beyond
from inventory.models import Authority, Office, Supervision


def problems(office: Office) -> Iterator[tuple[str, str]]:
    """Yield (field, Chinese reason) for each rule that `office`, new or changed, would break.

    Args:
        office: as it is to be saved, with kind, region, parent and number_prefix set.
    """
    yield from _place_problems(office)
    same = Office.objects.filter(number_prefix=office.number_prefix).exclude(pk=office.pk).first()
    if same:
        yield "number_prefix", f"“{office.number_prefix}”已由{same}使用，两个机关会编出同样的文号。"
    if office.pk is not None:
        yield from _settled_problems(office, Office.objects.get(pk=office.pk))


def left_of(office: Office) -> list[str]:
    """Say in Chinese what keeps `office` from being retired, one entry a kind; [] for nothing.

    Asked are all models that point to an office, in whichever room, whose queryset says with
    `unfinished()` which of its rows still need one, and with `UNFINISHED` what these are called.
    """
    found = []
    for model, columns in pointing().items():
        rows: Any = model._default_manager.none()
        if hasattr(rows, "unfinished"):
            rule = models.Q()
            for column in columns:
                rule |= models.Q(**{column: office})
            if count := model._default_manager.unfinished().filter(rule).count():
                found.append(rows.UNFINISHED.format(count))
    return found


def pointing() -> dict[Any, list[str]]:
    """The models with a foreign key to an office, and its columns."""
    found: dict[Any, list[str]] = {}
    for relation in Office._meta.get_fields(include_hidden=True):
        if relation.auto_created and not relation.concrete:
            key: Any = relation
            found.setdefault(key.related_model, []).append(key.field.name)
    return found


def _place_problems(office: Office) -> Iterator[tuple[str, str]]:
    parent = office.parent
    if parent is None:
        return
    if office.pk is not None and parent.path.startswith(Office.objects.get(pk=office.pk).path):
        yield "parent", "上级不能是本机关或本机关的下级。"
    elif parent.retired_on and not office.retired_on:
        yield "parent", f"{parent}已停用，不能作为上级。"
    elif parent.kind != office.kind:
        yield (
            "parent",
            f"上级须与本机关同类：{parent}是{parent.get_kind_display()}，"
            f"本机关是{office.get_kind_display()}。",
        )


def _settled_problems(office: Office, stored: Office) -> Iterator[tuple[str, str]]:
    """What hangs on an office already cannot be pulled from under it."""
    supervisions = Supervision.objects.filter(office=office)
    if office.kind != stored.kind and (supervisions.exists() or stored.children.exists()):
        yield "kind", "已有下级机关或监管单位的，类别不能更改；请另建一个机关。"
    elif office.only_reads != stored.only_reads and (left := left_of(stored)):
        # Its people would change what they may do, without anybody having confirmed it.
        yield "kind", f"尚有{'、'.join(left)}，不能改为或改自{Authority.PROVIDER.label}。"
    if office.region_id != stored.region_id:
        places = supervisions.order_by().values_list("unit__region", flat=True).distinct()
        regions = type(office.region).objects.filter(pk__in=places)
        if any(beyond(region, office) for region in regions):
            yield "region", "该机关监管的单位中有的不在这个区划之内；请先由该机关移交这些单位。"
