"""Requests that no honest page sends: without the token of the form, with fields that the form does
not have, with a way back that leads elsewhere."""

from collections.abc import Iterator
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.apps import apps
from django.db import models, transaction
from django.test import Client

from tests.access.matrix import load
from tests.access.walk import GRANTED, OUR_APPS, Step, Walk, expected, steps
from tests.world import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

# Columns that decide who sees or may do what, and how far a case is, by every name of a form.
EXTRA = {
    **dict.fromkeys(("status", "state", "result", "decision_by"), "accepted"),
    **dict.fromkeys(("role", "roles"), "approver"),
    **dict.fromkeys(("id", "pk", "unit", "unit_id", "office", "office_id", "user_id"), "1"),
    **dict.fromkeys(("by", "by_id", "created_by", "drafted_by", "approved_by", "superior"), "1"),
    **dict.fromkeys(("is_active", "active", "is_staff", "is_superuser", "confirmed"), "on"),
    **dict.fromkeys(("superior_may_read", "must_change_password", "own_numbering"), "on"),
    **dict.fromkeys(("sequence", "version", "year"), "9"),
}
# Forms to which one of these names belongs.
OWN = {
    "accounts:create": {"office"},
    "accounts:role_add": {"office"},
    "inventory:office_create": {"own_numbering"},
    "inventory:office_edit": {"own_numbering"},
    "inventory:unit_create": {"office"},
    "inventory:unit_transfer": {"office"},
}


def acts(walk: Walk) -> Iterator[Step]:
    """One granted POST of each route, on the rows of 甲单位."""
    for entry in load():
        if not entry.post:
            continue
        for step in steps(walk, entry):
            if step.method == "POST" and step.owner == "jia" and expected(walk, step) == "granted":
                yield step
                break


@pytest.fixture
def every_act(walk: Walk) -> list[Step]:
    found = list(acts(walk))
    assert {step.entry.key for step in found} == {entry.key for entry in load() if entry.post}
    return found


def test_every_form_asks_for_its_token(walk: Walk, every_act):
    faults = []
    for step in every_act:
        client = Client(enforce_csrf_checks=True)
        if step.person != "anonymous":
            client.force_login(
                walk.cast.people[step.person], backend="django.contrib.auth.backends.ModelBackend"
            )
        status = client.post(step.url, step.body).status_code
        if status != 403:
            faults.append(f"{step}: {status}")
        transaction.savepoint_rollback(walk.ground)
    assert not faults, "\n".join(faults)


def weights(models_: list[Any]) -> dict[str, list[tuple[Any, ...]]]:
    """What EXTRA aims at, of every row: choices, truths and keys."""
    found = {}
    for model in models_:
        names = [
            column.attname
            for column in model._meta.concrete_fields
            if column.choices
            or column.is_relation
            or isinstance(column, models.BooleanField | models.IntegerField)
            if not column.primary_key
        ]
        found[model._meta.label] = list(model._base_manager.order_by("pk").values_list(*names))
    return found


def test_fields_that_a_form_does_not_have_change_nothing(walk: Walk, every_act):
    ours = [
        model
        for app in OUR_APPS
        if app not in {"audit", "django_otp_webauthn"}  # a handle of its own for each request
        for model in apps.get_app_config(app).get_models()
    ]
    faults = []
    for step in every_act:
        outcomes = []
        for extra in ({}, EXTRA):
            owned = OWN.get(step.entry.key, set())
            more = {k: v for k, v in extra.items() if k not in step.body and k not in owned}
            client, session = walk.clients[step.person]
            client.cookies = SimpleCookie({"sessionid": session})
            body = next(again.body for again in acts_of(walk, step))
            status = client.post(step.url, more | body).status_code
            assert status in GRANTED["POST"], f"{step}: {status}"
            outcomes.append(weights(ours))
            transaction.savepoint_rollback(walk.ground)
        plain, loaded = outcomes
        faults += [
            f"{step}: {label}" for label, rows in plain.items() if differ(rows, loaded[label])
        ]
    assert not faults, "\n".join(faults)


def acts_of(walk: Walk, step: Step) -> Iterator[Step]:
    """The same step with a fresh body: a file can be read once."""
    for again in steps(walk, step.entry):
        if (again.person, again.method, again.owner) == (step.person, "POST", step.owner):
            yield again


def differ(plain: list[tuple[Any, ...]], loaded: list[tuple[Any, ...]]) -> bool:
    """Whether rows differ in more than the keys of rows that each request made anew."""
    if len(plain) != len(loaded):
        return True
    pairs = [
        pair for one, two in zip(plain, loaded, strict=True) for pair in zip(one, two, strict=True)
    ]
    return any(a != b and not _grown(a, b) for a, b in pairs)


def _grown(before: Any, after: Any) -> bool:
    """A sequence has moved on between the two requests."""
    numbers = isinstance(before, int) and isinstance(after, int)
    return numbers and not isinstance(before, bool) and 0 < after - before < 50


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "http:evil.example",
        "javascript:alert(1)",
        "https:///evil.example",
        "\thttps://evil.example",
        "///evil.example",
    ],
)
def test_the_login_leads_back_into_the_portal_only(world, target):
    client = Client()
    sent = {"username": world.filler.username, "password": PASSWORD, "next": target}
    response = client.post("/accounts/login/", sent)
    assert response.status_code == 302
    assert response["Location"] == "/"
    again = client.get("/accounts/login/", {"next": target})
    assert again.status_code == 302
    assert again["Location"] == "/"
