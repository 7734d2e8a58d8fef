"""The one rule of visibility: who may see which unit, and through it everything a unit owns.

Supervision decides, not geography. Office users see the units whose supervising office lies in
the subtree of their own office, plus delegations; unit users see their own unit and, where a
superior may read, its subordinates. Everyone else sees nothing: the rule fails closed.
"""

from dataclasses import dataclass
from typing import Any, Self, TypeVar

from django.db import models
from django.db.models import Q


@dataclass(frozen=True)
class Scope:
    """What a user's memberships reach.

    Attributes:
        office_paths: materialised paths of the offices the user works in.
        office_ids: primary keys of those offices (delegations name offices).
        unit_ids: primary keys of the units the user belongs to.
    """

    office_paths: tuple[str, ...] = ()
    office_ids: tuple[int, ...] = ()
    unit_ids: tuple[int, ...] = ()


def is_present(user: Any) -> bool:
    """Say whether `user` is a person who has logged in and is not switched off."""
    return bool(getattr(user, "is_authenticated", False) and getattr(user, "is_active", False))


def scope_of(user: Any) -> Scope:
    """Return the scope of `user`; the empty scope for anonymous, inactive or foreign objects."""
    if not is_present(user):
        return Scope()
    scope = getattr(user, "scope", None)
    return scope if isinstance(scope, Scope) else Scope()


_M = TypeVar("_M", bound=models.Model, covariant=True)


class ScopedQuerySet(models.QuerySet[_M]):
    """Base of the named queryset class that every model owned by a unit has.

    Subclasses set `scope_path`, the lookup that leads to the owning unit.
    """

    scope_path: str

    def visible_to(self, user: Any) -> Self:
        """Rows whose unit `user` may see."""
        from inventory.models import Unit

        units = Unit.objects.visible_to(user).values("pk")
        return self.filter(**{f"{self.scope_path}__in": units})


class UnitQuerySet(models.QuerySet[_M]):
    def visible_to(self, user: Any) -> Self:
        """Units within the scope of `user` (see the module's text)."""
        from inventory.models import Delegation, Supervision

        scope = scope_of(user)
        rule = Q(pk__in=[])
        if scope.office_paths:
            subtree = Q()
            for path in scope.office_paths:
                subtree |= Q(office__path__startswith=path)
            delegated = Delegation.objects.in_force().filter(office_id__in=scope.office_ids)
            rule |= Q(pk__in=Supervision.objects.filter(subtree).values("unit_id"))
            rule |= Q(pk__in=delegated.values("unit_id"))
        if scope.unit_ids:
            rule |= Q(pk__in=scope.unit_ids)
            rule |= Q(superior_id__in=scope.unit_ids, superior_may_read=True)
        return self.filter(rule)
