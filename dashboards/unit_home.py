"""What a unit's person sees first: what to do next, and how the unit stands."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Count, Exists, OuterRef, Prefetch, Q
from django.urls import reverse

from accounts.models import User
from assessments.models import Campaign, SelfCheck
from dashboards.figures import finding_states
from inventory.models import MailDomain, MailSystem, Unit
from rectification.models import Finding, Notice
from scans.models import Authorization, Result, ScanRun, Verdict

_SHOWN: Final = 10


@dataclass(frozen=True)
class Step:
    """One thing to do.

    Attributes:
        label: the verb on the button.
        text: why, one sentence.
        url: where it is done.
    """

    label: str
    text: str
    url: str


@dataclass(frozen=True)
class Situation:
    """How the unit stands, as the steps read it."""

    user: User
    unit: Unit
    checks: list[Any]
    notices: list[Any]
    systems: list[Any]


def page_of(user: User) -> dict[str, Any]:
    """Context of the unit's home; a fixed number of queries."""
    unit = user.unit
    assert unit is not None
    checks = list(
        SelfCheck.objects.visible_to(user)
        .filter(unit=unit)
        .exclude(campaign__status=Campaign.Status.ARCHIVED)
        .select_related("campaign", "unit")
        .prefetch_related("changes")
        .order_by("campaign__deadline")
    )
    notices = list(
        Notice.objects.visible_to(user)
        .filter(unit=unit)
        .select_related("unit")
        .annotate(ordered=Count("items", filter=Q(items__annex=False)))
        .order_by("deadline")
    )
    findings = Finding.objects.visible_to(user).filter(unit=unit)
    systems = _systems(user, unit)
    now = Situation(user, unit, checks, notices, systems)
    steps = [step for make in STEPS for step in make(now)]
    unclosed = list(findings.unclosed().select_related("system").worst_first()[: _SHOWN + 1])
    return {
        "unit": unit,
        "checks": checks,
        "notices": [n for n in notices if n.is_live],
        "finished": sum(n.status == Notice.Status.FINISHED for n in notices),
        "systems": systems,
        "findings": unclosed[:_SHOWN],
        "more_findings": len(unclosed) > _SHOWN,
        "counts": findings.aggregate(
            **{
                slug: Count("pk", filter=rule)
                for slug, rule in finding_states().items()
                if slug != "counted"
            }
        ),
        "next": steps[0] if steps else None,
        "later": steps[1:],
    }


def _systems(user: User, unit: Unit) -> list[Any]:
    """Systems in use with their letter, and how many rules do not conform at the newest look."""
    letters = Authorization.objects.filter(system=OuterRef("pk"))
    rows = (
        MailSystem.objects.visible_to(user)
        .filter(unit=unit, retired_on=None)
        .annotate(
            permitted=Exists(letters.in_force()),
            drafted=Exists(letters.filter(status=Authorization.Status.DRAFT)),
        )
        .prefetch_related(Prefetch("domains", MailDomain.objects.order_by("pk")))
        .order_by("name")
    )
    systems = list(rows)
    latest = ScanRun.objects.filter(domain__system__in=systems).latest_done()
    seen = (
        Verdict.objects.filter(run__in=latest)
        .order_by()
        .values("run__domain__system")
        .annotate(
            bad=Count("pk", filter=Q(result=Result.NONCONFORMING)),
            unseen=Count("pk", filter=Q(result=Result.UNKNOWN)),
            good=Count("pk", filter=Q(result=Result.CONFORMING)),
        )
    )
    by_system = {row["run__domain__system"]: row for row in seen}
    for system in systems:
        system.seen = by_system.get(system.pk)
    return systems


# --- Steps, the most pressing first ---------------------------------------------------------


def _to_receive(now: Situation) -> list[Step]:
    if not now.user.can("notice.receive"):
        return []
    return [
        Step("签收整改通知", f"{n.number} 已送达，请尽快签收。", _notice(n))
        for n in now.notices
        if n.status == Notice.Status.SERVED
    ]


def _to_reply(now: Situation) -> list[Step]:
    if not now.user.can("notice.reply"):
        return []
    return [
        Step("整改并反馈", f"{n.number} 所列问题须在期限内逐项反馈。", _notice(n))
        for n in now.notices
        if n.status in {Notice.Status.SIGNED, Notice.Status.REFUSED}
    ]


def _to_sign(now: Situation) -> list[Step]:
    if not now.user.can("selfcheck.sign"):
        return []
    return [
        Step("核对并审签", f"{c.campaign.title}的自查表等您审签。", _summary(c))
        for c in now.checks
        if c.status == SelfCheck.Status.TO_SIGN
    ]


def _to_register(now: Situation) -> list[Step]:
    if now.systems or not now.user.can("system.edit"):
        return []
    address = reverse("inventory:system_create", args=[now.unit.pk])
    return [Step("登记邮件系统", "还没有登记邮件系统；自查和检测都从登记开始。", address)]


def _to_fill(now: Situation) -> list[Step]:
    if not now.user.can("selfcheck.fill"):
        return []
    steps = []
    for check in (c for c in now.checks if c.editable):
        address = reverse("assessments:selfcheck_detail", args=[check.pk])
        if check.back:
            text = f"{check.campaign.title}的自查表{check.state_label}，请修改后重新提交。"
            step = Step("按意见修改", text, address)
        elif check.status == SelfCheck.Status.NOT_STARTED:
            step = Step("开始自查", f"{check.campaign.title}尚未填报。", address)
        else:
            step = Step("继续自查", f"{check.campaign.title}还没有提交审签。", address)
        steps.append(step)
    return steps


def _to_authorize(now: Situation) -> list[Step]:
    if not now.user.can("authorization.file"):
        return []
    return [
        Step(
            "填写探测授权书",
            f"“{system.name}”没有有效的探测授权，不能从外部观测。",
            reverse("scans:authorization_create", args=[system.pk]),
        )
        for system in now.systems
        if not system.permitted and not system.drafted and not system.no_active_probe
    ]


STEPS: Final[tuple[Callable[[Situation], list[Step]], ...]] = (
    _to_receive,
    _to_sign,
    _to_reply,
    _to_register,
    _to_fill,
    _to_authorize,
)


def _summary(check: SelfCheck) -> str:
    return reverse("assessments:summary", args=[check.pk])


def _notice(notice: Notice) -> str:
    return reverse("rectification:notice_detail", args=[notice.pk])
