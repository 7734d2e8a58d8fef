"""People and power: users, and memberships that place them in a unit, an office or the portal."""

import datetime as dt
from functools import cached_property
from typing import Any, ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Case, Count, Exists, OuterRef, Q, Subquery, When
from django.utils import timezone

from accounts.policy import policy
from accounts.roles import (
    OFFICE_ROLES,
    PORTAL_POWERS,
    PORTAL_ROLES,
    READING,
    UNIT_ROLES,
    Role,
    powers_of,
)
from inventory.models import Office, Unit
from inventory.scoping import Scope

USERNAME = r"^[A-Za-z0-9_.-]{3,40}$"
USERNAME_RULE = "用户名为3至40位字母、数字、点、横线或下划线。"


class UserQuerySet(models.QuerySet["User"]):
    def with_places(self) -> Self:
        """With memberships, their places and further ways to log in, for lists."""
        return self.prefetch_related(
            "memberships__unit", "memberships__office", "unified_identities"
        )

    def with_invitations(self) -> Self:
        """With `invitations_open`, whether an invitation to the account still works."""
        works = Q(
            invitations__used_at=None,
            invitations__withdrawn_at=None,
            invitations__expires_at__gt=timezone.now(),
        )
        rows = self.annotate(invitations_open=Count("invitations", filter=works))
        return rows.order_by("username")  # counting forgets the order

    def with_locks(self) -> Self:
        """With `locked_until`, where a password was wrong too often."""
        counts: Any = User._meta.get_field("failure_counts").related_model
        locks = counts.objects.filter(user=OuterRef("pk"), locked_until__gt=timezone.now())
        latest = locks.order_by("-locked_until").values("locked_until")[:1]
        return self.annotate(locked_until=Subquery(latest))

    def with_factors(self) -> Self:
        """With `has_second_factor`, whether there is one that could be lost."""
        held: Any = Q()
        for relation in ("authenticator", "webauthncredential"):
            devices: Any = User._meta.get_field(relation).related_model
            held |= Exists(devices.objects.filter(user=OuterRef("pk"), confirmed=True))
        return self.annotate(has_second_factor=Case(When(held, then=True), default=False))

    def idle_in_offices(self, since: dt.datetime) -> Self:
        """Office people whose last log-in, or whose role where they never came, is older than
        `since`, and whose roles are."""
        held = Membership.objects.filter(user=OuterRef("pk"), active=True, office__isnull=False)
        came = Q(last_login__lt=since)
        never_came = Q(last_login=None) & Exists(held.filter(grants__since__lt=since))
        lately = Exists(held.filter(grants__since__gte=since))
        return self.filter(came | never_came, Exists(held), ~lately, is_active=True)

    def with_waiting(self) -> Self:
        """With `roles_wait`, whether 安全管理员 has still to confirm a role."""
        asked = Membership.objects.filter(user=OuterRef("pk")).waiting()
        return self.annotate(roles_wait=Exists(asked))

    def with_standing(self) -> Self:
        """With all that the 系统管理员 is told of an account."""
        return self.with_places().with_invitations().with_locks().with_factors().with_waiting()

    def visible_to(self, user: Any) -> Self:
        """Every account to whoever manages accounts or watches over their roles; to others those
        of the people whom they look after."""
        if not getattr(user, "is_authenticated", False):
            return self.none()
        if user.can("account.manage") or user.can("grant.manage"):
            return self.all()
        rule = Q(pk__in=[])
        if user.can("staff.manage") and user.is_unit_side:
            rule |= Q(unit__in=user.scope.unit_ids)
        elif user.can("staff.manage"):
            rule |= Q(unit__supervisions__office__in=Office.objects.under(user))
        if user.can("colleague.manage"):
            rule |= Q(office__in=user.scope.office_ids)
        return self.filter(pk__in=Membership.objects.filter(rule).values("user"))


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    def create_user(self, username: str, password: str | None = None, **fields: Any) -> "User":
        user: User = self.model(username=username, **fields)
        user.set_password(password)
        user.save()
        return user


class User(AbstractBaseUser):  # type: ignore[django-manager-missing]  # Device is untyped
    """A person with a log-in. Rights come from memberships alone; there is no superuser."""

    username = models.CharField(
        "用户名",
        max_length=40,
        unique=True,
        validators=[RegexValidator(USERNAME, USERNAME_RULE)],
    )
    name = models.CharField("姓名", max_length=30)
    phone = models.CharField("手机", max_length=25, blank=True)
    is_active = models.BooleanField("启用", default=True)
    password_set_at = models.DateTimeField("口令设置时间", default=timezone.now)
    created_at = models.DateTimeField("创建时间", auto_now_add=True)

    _password: str | None  # Django's: set_password was called and not yet saved

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS = ["name"]

    objects: ClassVar[Any] = UserManager()

    class Meta:
        verbose_name = "用户"
        verbose_name_plural = "用户"
        ordering = ["username"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Note when a password was set, and keep its hash; a hash merely renewed is no new one."""
        chosen = self._password is not None
        if chosen:
            self.password_set_at = timezone.now()
            if (columns := kwargs.get("update_fields")) is not None:
                kwargs["update_fields"] = {*columns, "password_set_at"}
        super().save(*args, **kwargs)
        if chosen:
            self.used_passwords.create(password=self.password)
            kept = self.used_passwords.values("pk")[: policy().password.history + 1]
            self.used_passwords.exclude(pk__in=list(kept.values_list("pk", flat=True))).delete()

    @property
    def password_days_left(self) -> int | None:
        """Days until the password must be changed; None for who logs in without one."""
        if not self.has_usable_password():
            return None
        age = timezone.now() - self.password_set_at
        return policy().password.max_age_days - age.days

    @property
    def must_change_password(self) -> bool:
        """Whether the password has reached its age: nothing but its change opens."""
        left = self.password_days_left
        return left is not None and left <= 0

    @cached_property
    def _memberships(self) -> list["Membership"]:
        if "memberships" in getattr(self, "_prefetched_objects_cache", {}):
            return [m for m in self.memberships.all() if m.active]
        return list(self.memberships.filter(active=True).select_related("unit", "office"))

    def reread_roles(self) -> None:
        """Forget which roles were read, because they have just changed."""
        self.__dict__.pop("_memberships", None)
        getattr(self, "_prefetched_objects_cache", {}).pop("memberships", None)

    @property
    def last_invitation(self) -> Any:
        """The last invitation to the account, in whatever state; None where there was none."""
        return self.invitations.order_by("pk").last()

    @property
    def waiting_seats(self) -> list["Membership"]:
        """What was asked for and counts only when 安全管理员 has confirmed it."""
        return list(self.memberships.waiting().select_related("unit", "office").order_by("pk"))

    @property
    def role_names(self) -> str:
        return "、".join(str(Role(m.role).label) for m in self._memberships)

    @property
    def is_portal_side(self) -> bool:
        """One of the 三员, whose accounts nobody manages from within the portal."""
        return bool(self.roles & PORTAL_ROLES)

    @property
    def has_been_used(self) -> bool:
        """Whether the person has been in: logged in once, or set a password of their own."""
        return self.last_login is not None or self.has_usable_password()

    @property
    def roles(self) -> set[str]:
        return {m.role for m in self._memberships}

    @property
    def scope(self) -> Scope:
        """What `visible_to` asks for (see inventory.scoping)."""
        return Scope(
            office_paths=tuple(m.office.path for m in self._memberships if m.office),
            office_ids=tuple(m.office_id for m in self._memberships if m.office_id),
            unit_ids=tuple(m.unit_id for m in self._memberships if m.unit_id),
        )

    @property
    def powers(self) -> frozenset[str]:
        """What the roles permit, as far as the place of the person lets them."""
        held = powers_of(self.roles)
        return held & READING if self.office and self.office.only_reads else held

    def can(self, power: str, obj: Any = None) -> bool:
        """Say whether one of the user's roles holds `power` over `obj`.

        Without `obj` only the power is asked. With it, the row must also be in scope. Who may
        merely read (a superior unit its subordinate, an office what is delegated to it) holds
        powers to read and no other.
        """
        if not self.is_active or power not in self.powers:
            return False
        # What the 三员 may do they may do to every account, wherever its person works.
        if obj is None or power in PORTAL_POWERS:
            return True
        unit = unit_of(obj)
        if unit is None:
            office = getattr(obj, "office", None)
            return isinstance(office, Office) and office.path.startswith(self.scope.office_paths)
        if self.is_unit_side:
            return unit.pk in self.scope.unit_ids or (
                power.endswith(".read")
                and Unit.objects.visible_to(self).filter(pk=unit.pk).exists()
            )
        if not power.endswith(".read"):
            return unit.is_supervised_by(self)
        return sees(self, obj)

    @property
    def is_unit_side(self) -> bool:
        return bool(self.roles & UNIT_ROLES)

    @property
    def is_office_side(self) -> bool:
        return bool(self.roles & OFFICE_ROLES)

    @property
    def unit(self) -> Unit | None:
        return next((m.unit for m in self._memberships if m.unit), None)

    @property
    def office(self) -> Office | None:
        return next((m.office for m in self._memberships if m.office), None)

    @property
    def place(self) -> str:
        """The unit or office the user acts for, as shown beside the name; empty without a role."""
        return str(self.unit or self.office or ("平台" if self.roles else ""))

    @property
    def role_label(self) -> str:
        return f"{self.place} {self.role_names}".strip()

    @property
    def label(self) -> str:
        return f"{self.name}（{self.username}）"


def unit_of(obj: Any) -> Unit | None:
    """Return the unit that owns `obj`: the unit itself or along its `unit` attribute."""
    if isinstance(obj, Unit):
        return obj
    unit = getattr(obj, "unit", None)
    return unit if isinstance(unit, Unit) else None


def sees(user: User, obj: Any) -> bool:
    """Say whether `visible_to` shows `obj` to `user`; a row without a rule follows its unit."""
    rows = type(obj)._default_manager
    if not hasattr(rows, "visible_to"):
        rows, obj = Unit.objects, unit_of(obj)
    return bool(rows.visible_to(user).filter(pk=obj.pk).exists())


def _values(roles: frozenset[Role]) -> list[str]:
    return sorted(role.value for role in roles)


PLACES = ("unit", "office")


class MembershipQuerySet(models.QuerySet["Membership"]):
    UNFINISHED = "在职或待确认的人员 {} 名"

    def unfinished(self) -> Self:
        """See inventory.offices.left_of."""
        asked = Q(grants__status="requested")
        return self.filter(Q(active=True) | asked).distinct()

    def waiting(self) -> Self:
        """Those that somebody asked for and nobody has confirmed yet."""
        return self.filter(grants__status="requested")


class Membership(models.Model):
    """A role in exactly one place: a unit, an office, or (三员) the portal."""

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField("角色", max_length=15, choices=Role.choices)
    unit = models.ForeignKey(
        Unit, models.PROTECT, null=True, blank=True, related_name="memberships"
    )
    office = models.ForeignKey(
        Office, models.PROTECT, null=True, blank=True, related_name="memberships"
    )
    active = models.BooleanField("有效", default=True)

    objects: ClassVar[Any] = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = "任职"
        verbose_name_plural = "任职"
        constraints = [
            # Without a place in the row, NULLs would count as different.
            *(
                models.UniqueConstraint(
                    fields=["user", "role", *place],
                    condition=Q(**{f"{key}__isnull": key not in place for key in PLACES}),
                    name=f"membership_once_in_{'_'.join(place) or 'portal'}",
                )
                for place in (["unit"], ["office"], [])
            ),
            # 三员 exclude each other. That they hold nothing else, and that a person stands in one
            # place only, compares rows: a trigger of migration 0002 sees to it.
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(active=True, role__in=_values(PORTAL_ROLES)),
                name="one_portal_role_per_person",
            ),
            # Who drafts does not approve, who fills in does not sign.
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(active=True, role__in=["approver", "case_officer"]),
                name="drafts_or_approves",
            ),
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(active=True, role__in=["filler", "signer"]),
                name="fills_in_or_signs",
            ),
            models.CheckConstraint(
                name="role_stands_in_its_place",
                condition=Q(role__in=_values(UNIT_ROLES), unit__isnull=False, office__isnull=True)
                | Q(role__in=_values(OFFICE_ROLES), unit__isnull=True, office__isnull=False)
                | Q(role__in=_values(PORTAL_ROLES), unit__isnull=True, office__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.get_role_display()}"

    @property
    def place(self) -> str:
        return str(self.unit or self.office or "平台")
