"""催报: who has not handed in, how far each is, and whom to call. One set of words for the page and
its workbook."""

from typing import Any, Final

from django.db.models import Case, Count, Exists, Max, OuterRef, Prefetch, Value, When

from accounts.models import Membership, User
from assessments.models import Campaign, SelfCheck
from emailsec.lib.http import whole
from inventory.models import Contact

NEVER, NOT_STARTED, FILLING, RETURNED = "never", "not_started", "filling", "returned"
# How far a unit is; every unit to be urged is exactly one of these.
KINDS: Final = {NEVER: "未登录", NOT_STARTED: "未填", FILLING: "填报中", RETURNED: "被退回"}


def urgeable(user: User, campaign: Campaign | None = None) -> Any:
    """Self-checks that are not handed in and still can be, each with its `kind`.

    Args:
        campaign: only those of this one.
    """
    came = Membership.objects.filter(unit=OuterRef("unit"), user__last_login__isnull=False)
    rows = (
        SelfCheck.objects.visible_to(user)
        .to_be_urged()
        .filter(campaign__status__in=Campaign.TAKING)
        .annotate(
            kind=Case(
                When(returned=True, then=Value(RETURNED)),
                When(~Exists(came), then=Value(NEVER)),
                When(status=SelfCheck.Status.NOT_STARTED, then=Value(NOT_STARTED)),
                default=Value(FILLING),
            )
        )
    )
    return rows.filter(campaign=campaign) if campaign else rows


def urged(user: User, campaign: Campaign | None = None, kind: str = "") -> Any:
    """The same, nearest deadline first, with contacts and calls loaded and `last_login`, the
    latest of anybody in the unit.

    Args:
        kind: a key of KINDS; anything else means all.
    """
    rows = urgeable(user, campaign)
    if kind in KINDS:
        rows = rows.filter(kind=kind)
    return (
        rows.annotate(last_login=Max("unit__memberships__user__last_login"))
        .select_related("unit__region", "campaign")
        .prefetch_related(
            Prefetch("unit__contacts", Contact.objects.order_by("-role")), "calls__by"
        )
        .order_by("campaign__deadline", "unit__name", "pk")
    )


def counts(user: User, campaign: Campaign | None = None) -> dict[str, int]:
    """How many there are of each kind, in the order of KINDS."""
    rows = urgeable(user, campaign).order_by().values("kind").annotate(n=Count("pk"))
    return dict.fromkeys(KINDS, 0) | {row["kind"]: row["n"] for row in rows}


def campaigns(user: User) -> Any:
    """Campaigns in which the person can urge somebody, nearest deadline first."""
    waiting = SelfCheck.objects.visible_to(user).to_be_urged().values("campaign")
    rows = Campaign.objects.visible_to(user).filter(status__in=Campaign.TAKING, pk__in=waiting)
    return rows.order_by("deadline", "pk")


def campaign_named(user: User, wanted: str) -> Campaign | None:
    """The campaign that an address names by its key; None where it names none to be seen."""
    found: Campaign | None = campaigns(user).filter(pk=whole(wanted) or 0).first()
    return found
