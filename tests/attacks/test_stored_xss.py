"""Stored XSS: every text that a person, a file name or a foreign mail server can put into the
database carries markup, and every page that shows it is opened in real Chromium, by one person of
each side. No element of that markup may come to life, no script may run, no link lead to one.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.db import models
from django.test import Client
from playwright.sync_api import BrowserContext, Page
from playwright.sync_api import Error as BrowserError

from assessments.definitions import publish
from tests.access.case import Case, Owner, build_case
from tests.access.cast import OFFICE, PORTAL, UNIT, Cast, build_cast
from tests.access.matrix import Entry, load
from tests.access.walk import OUR_APPS, QUESTIONNAIRE, address_of
from tests.world import World

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SHORT = '"><x-y>'
LONG = "\"'><x-y></x-y><img src=/xss.png onerror=window.xss=1>{{7*7}}</script><script>window.xss=1"
LINK = "javascript:window.xss=1"
# What the portal itself writes: keys, digests, states, addresses of its own pages.
MACHINE = {
    *(
        "path",
        "password",
        "username",
        "sha256",
        "scan_sha256",
        "proof_sha256",
        "digest",
        "content",
        "file",
        "scan",
    ),
    *("kind", "item", "field", "rule", "rule_version", "cause", "clauses", "code", "lease"),
    *("action", "source", "target", "series", "object_type", "object_id", "result", "uscc"),
    *("maker_uscc", "verification_code", "networks", "access_methods", "counts", "items"),
}
# Answered only where the unified log-in is on.
OFF = {"accounts:unified_login", "accounts:unified_callback"}
MACHINE_OF = {
    "assessments.Questionnaire": {"version", "title", "source"},
    "inventory.Region": {"name"},
    "inventory.MailDomain": {"name"},
    "scans.Observation": {"name", "address"},
    "scans.Authorization": {"hosts"},
}
ALIVE = """() => [
  ...document.querySelectorAll('x-y, img[src="/xss.png"], [href^="javascript:"], [onerror]'),
].map((e) => e.outerHTML.slice(0, 90)).concat(window.xss ? ['a script ran'] : [])"""


def poison(row: models.Model) -> int:
    """Put markup into every text of `row` that is not the portal's own; return how many."""
    kept = MACHINE | MACHINE_OF.get(row._meta.label, set())
    changed = {}
    for column in row._meta.concrete_fields:
        value = getattr(row, column.attname)
        if column.name in kept or column.choices or column.primary_key or column.is_relation:
            continue
        if isinstance(column, models.JSONField):
            changed[column.name] = json.loads(json.dumps(value), object_hook=_poison_values)
        elif isinstance(column, models.CharField | models.TextField):
            text = LINK if column.name == "url" else LONG
            longest = column.max_length or len(text)
            short = f"{SHORT}{row.pk}"  # some texts occur once only
            changed[column.name] = text if len(text) <= longest else short[:longest]
    type(row)._base_manager.filter(pk=row.pk).update(**changed)
    return len(changed)


def _poison_values(found: dict[str, Any]) -> dict[str, Any]:
    return {
        key: LONG if isinstance(value, str) and key not in {"from", "at"} else value
        for key, value in found.items()
    }


def rows() -> Iterator[models.Model]:
    for app in OUR_APPS:
        for model in apps.get_app_config(app).get_models():
            if model._meta.label != "audit.AuditEvent":
                yield from model._base_manager.all()


def readers(cast: Cast, entry: Entry) -> Iterator[str]:
    """One person of each side who gets the page."""
    for side in (UNIT, OFFICE, PORTAL):
        towards = {word: name for name, word in cast.towards["jia"].items()}
        names = [towards.get(word, word) for word in side if word in entry.get]
        yield from names[:1]


def opened(page: Page, url: str) -> int:
    """The status of a page; a file that is sent instead leaves an empty page."""
    try:
        response = page.goto(url, wait_until="domcontentloaded")
    except BrowserError as error:
        if "Download is starting" not in str(error):
            raise
        page.goto("about:blank")
        return 200
    assert response is not None
    return response.status


def sign_in(context: BrowserContext, host: str, cast: Cast, name: str) -> None:
    client = Client()
    client.force_login(cast.people[name], backend="django.contrib.auth.backends.ModelBackend")
    cookie = client.cookies[django_settings.SESSION_COOKIE_NAME]
    context.clear_cookies()
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": host}])


@pytest.fixture
def poisoned(transactional_db, world: World) -> tuple[Cast, Case]:
    cast = build_cast(world)
    version, _ = publish(QUESTIONNAIRE)
    w = world
    taker = cast.takers["jia"]
    owner = Owner("jia", w.unit_a, w.system_a, w.city_a, w.filler, w.officer, taker)
    case = build_case(owner, version)
    case.rows["questionnaire"] = version
    assert sum(map(poison, rows())) > 200
    for row in case.rows.values():
        row.refresh_from_db()
    return cast, case


def test_no_text_of_the_database_comes_to_life_on_a_page(
    poisoned: tuple[Cast, Case], live_server: Any, page: Page, context: BrowserContext
):
    cast, case = poisoned
    visits: dict[str, list[str]] = {}
    for entry in load():
        if entry.get and not entry.alike and entry.key not in OFF:
            for name in readers(cast, entry):
                visits.setdefault(name, []).append(address_of(entry, [case] * len(entry.of)))
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    faults, seen = [], 0
    for name, addresses in visits.items():
        sign_in(context, live_server.url, cast, name)
        for path in addresses:
            status = opened(page, live_server.url + path)
            if status != 200:
                faults.append(f"{name} {path}: {status}")
            faults += [f"{name} {path}: {found}" for found in page.evaluate(ALIVE)]
            seen += "x-y" in page.content()
    assert not faults, "\n".join(faults)
    assert not dialogs
    assert seen > 25, "hardly a page showed the markup: the test looks at nothing"
