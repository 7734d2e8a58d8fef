"""Filters of the list of accounts."""

import django_filters
from django import forms
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db.models import Q, QuerySet

from accounts.models import Grant, Registration, User
from accounts.roles import Role


class AccountFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(
        label="用户名或姓名",
        method="by_text",
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    role = django_filters.ChoiceFilter(
        label="角色", choices=Role.choices, method="by_role", empty_label="全部"
    )
    state = django_filters.ChoiceFilter(
        label="状态",
        choices=[("active", "启用"), ("invited", "未设口令"), ("off", "停用")],
        method="by_state",
        empty_label="全部",
    )

    class Meta:
        model = User
        fields = ("q", "role", "state")

    def by_text(self, rows: QuerySet[User], name: str, value: str) -> QuerySet[User]:
        text = value.strip()
        return rows.filter(Q(username__icontains=text) | Q(name__icontains=text))

    def by_role(self, rows: QuerySet[User], name: str, value: str) -> QuerySet[User]:
        return rows.filter(memberships__role=value, memberships__active=True).distinct()

    def by_state(self, rows: QuerySet[User], name: str, value: str) -> QuerySet[User]:
        if value == "off":
            return rows.filter(is_active=False)
        if value == "invited":
            return rows.filter(is_active=True, password__startswith=UNUSABLE_PASSWORD_PREFIX)
        return rows.filter(is_active=True)


class RegistrationFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(
        label="单位、代码或受理号",
        method="by_text",
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    status = django_filters.ChoiceFilter(
        label="状态", choices=Registration.Status.choices, empty_label="全部"
    )

    class Meta:
        model = Registration
        fields = ("q", "status")

    def by_text(
        self, rows: QuerySet[Registration], name: str, value: str
    ) -> QuerySet[Registration]:
        text = value.strip()
        return rows.filter(
            Q(name__icontains=text) | Q(uscc__icontains=text) | Q(receipt__icontains=text)
        )


class GrantFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(
        label="用户名或姓名",
        method="by_text",
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    status = django_filters.ChoiceFilter(
        label="状态", choices=Grant.Status.choices, empty_label="全部"
    )

    class Meta:
        model = Grant
        fields = ("q", "status")

    def by_text(self, rows: QuerySet[Grant], name: str, value: str) -> QuerySet[Grant]:
        text, user = value.strip(), "membership__user"
        return rows.filter(
            Q(**{f"{user}__username__icontains": text}) | Q(**{f"{user}__name__icontains": text})
        )
