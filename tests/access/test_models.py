"""Every model that leads to a unit is scoped, and its `scope_path` leads there."""

from collections import deque

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.db import models

from inventory.models import Unit
from inventory.scoping import ScopedQuerySet

APPS = ("inventory", "accounts", "inbox", "scans", "assessments", "rectification", "reports")

# Models that lead to a unit and have no `visible_to` of their own, each with the reason why no
# view can show one without having fetched its owner first.
REACHED_THROUGH_OWNER = {
    "accounts.RegistrationChange": "history, read as registration.changes",
    "accounts.Membership": "a person's own places, read by the account itself and its manager",
    "accounts.GrantChange": "history, read as grant.changes",
    "inbox.HandOverLine": "what passed, read as sheet.lines",
    "scans.RunObservation": "join table between two scoped models",
    "scans.AuthorizationChange": "history, read as letter.changes",
    "assessments.SelfCheckChange": "history, read as selfcheck.changes",
    "assessments.AnswerChange": "history, read as answer.history",
    "rectification.FindingChange": "history, read as finding.changes",
    "rectification.NoticeChange": "history, read as notice.changes",
    "rectification.WaveRead": "marker of a task, shown nowhere",
    "inventory.Unit_key_industries": "join table of a unit's own field",
}

# `visible_to` by another rule than the path to a unit, with that rule.
OTHER_RULE = {
    "inventory.Unit": "the rule itself",
    "assessments.Campaign": "the office's own, and those that ask a visible unit",
    "inventory.ImportBatch": "the uploader's own",
    "inventory.SupervisionTransfer": "the giving and the taking office",
    "inbox.Message": "the recipient's own",
    "inbox.HandOver": "the two people's, and those who look after the people of the place",
    "accounts.Invitation": "whoever sees the account",
    "accounts.LoginSession": "one's own",
    "accounts.Registration": "the office with which it lies, and those above",
    "accounts.Grant": "whoever asks for grants or confirms them",
    "reports.Destruction": "the lists of the office and of those below it",
    "accounts.User": "whoever manages accounts, watches over roles or looks after the people",
    "audit.AuditEvent": "whoever reads the audit trail",
}


def _forward(model: type[models.Model]) -> list[models.Field]:
    """Its foreign keys; those to people do not say whose the row is."""
    keys = [f for f in model._meta.get_fields() if f.many_to_one or f.one_to_one]
    return [
        f
        for f in keys
        if f.concrete and f.related_model and f.related_model._meta.label != "accounts.User"
    ]


def _reaches_unit(model: type[models.Model]) -> bool:
    queue, known = deque([model]), {model}
    while queue:
        here = queue.popleft()
        if here is Unit:
            return True
        for field in _forward(here):
            if field.related_model not in known:
                known.add(field.related_model)
                queue.append(field.related_model)
    return False


def _owned() -> list[type[models.Model]]:
    every = [
        m for app in APPS for m in apps.get_app_config(app).get_models(include_auto_created=True)
    ]
    return [m for m in every if _reaches_unit(m)]


def _label(model: type[models.Model]) -> str:
    return model._meta.label


def _managers(model: type[models.Model]) -> list[models.Manager]:
    return list(model._meta.managers)


def _end_of(model: type[models.Model], path: str) -> type[models.Model]:
    for name in path.split("__"):
        field = model._meta.get_field(name)
        assert field.many_to_one or field.one_to_one, f"{_label(model)}.{name} is no foreign key"
        model = field.related_model
    return model


def test_apps_are_all_looked_at():
    ours = {c.label for c in apps.get_app_configs() if not c.name.startswith("django.")}
    without_units = {"csp", "crispy_forms", "crispy_bootstrap5", "django_filters"}
    without_units |= {"django_otp", "django_otp_webauthn"}  # keyed to a person alone
    without_units |= {"django_htmx", "emailsec", "standards", "audit", "dashboards"}
    assert ours - without_units == set(APPS)
    for app in ("standards", "audit", "dashboards"):
        assert not [m for m in apps.get_app_config(app).get_models() if _reaches_unit(m)]


def test_every_owned_model_is_scoped():
    owned = _owned()
    assert len(owned) > 30
    unscoped = [
        _label(m)
        for m in owned
        if _label(m) not in REACHED_THROUGH_OWNER
        and not (_managers(m) and all(hasattr(x, "visible_to") for x in _managers(m)))
    ]
    assert unscoped == []


def test_every_scope_path_leads_to_the_unit():
    wrong = []
    for model in _owned():
        if _label(model) in REACHED_THROUGH_OWNER | OTHER_RULE.keys():
            continue
        for manager in _managers(model):
            rows = manager.none()
            if not isinstance(rows, ScopedQuerySet):
                wrong.append(f"{_label(model)}.{manager.name}: not a ScopedQuerySet")
            elif _end_of(model, rows.scope_path) is not Unit:
                wrong.append(f"{_label(model)}.{manager.name}: {rows.scope_path}")
    assert wrong == []


def test_the_lists_of_exceptions_are_not_longer_than_needed():
    labels = {_label(m) for m in _owned()}
    assert labels >= REACHED_THROUGH_OWNER.keys()
    scoped = [
        k
        for k in REACHED_THROUGH_OWNER
        if hasattr(apps.get_model(k)._default_manager, "visible_to")
    ]
    assert scoped == []


@pytest.mark.parametrize("model", [*_owned(), *map(apps.get_model, OTHER_RULE)], ids=_label)
def test_anonymous_sees_nothing(db, model, django_assert_max_num_queries):
    if _label(model) in REACHED_THROUGH_OWNER:
        return
    for manager in _managers(model):
        assert not manager.visible_to(AnonymousUser()).exists()
