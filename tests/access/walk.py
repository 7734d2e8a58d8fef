"""Walks the URL table itself: every route, every person of the cast, GET and POST, own rows and
foreign ones, and holds each answer to matrix.toml.

What is held, for each request:
1. the status is the one that the table says;
2. whoever stands in no relation to a unit reads nothing of it: no name, code, domain, nor the mark
   that stands in every free text of its case, on any page, list, error or workbook;
3. a request that was refused has changed no row of any table of ours;
4. over the whole walk, every form wrote something for somebody who may, so that the refusals are
   not refusals of nonsense.

What a request wrote is rolled back to a savepoint, so that all start from the same rows.
"""

import gc
import io
import logging
import re
import time
import zipfile
from collections import Counter
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.cookies import SimpleCookie
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse

from accounts.models import LoginSession
from assessments.definitions import publish
from audit.models import AuditEvent
from audit.readings import READ
from audit.refusals import DENIED
from emailsec.lib.workdays import today
from inventory.models import Office
from tests.access.case import Case, Owner, build_case
from tests.access.cast import PORTAL, RELATIONS, Cast, build_cast
from tests.access.matrix import Entry, load
from tests.files import PDF
from tests.world import PASSWORD, World

QUESTIONNAIRE = Path("assessments/questionnaires/2026-1.toml")
OUR_APPS = ("inventory", "accounts", "inbox", "scans", "assessments", "rectification", "reports")
OUR_APPS += ("audit", "standards", "dashboards", "django_otp_webauthn")
# 乙单位 lies in another city; 省直单位 in the city of 甲市支队, which must not see it.
NEIGHBOURS = {
    "yi": ("filler", "officer", "approver", "delegate"),
    "province": ("filler", "officer", "checker", "approver", "officer_industry"),
}
# A wrong method is refused before anything is asked of the person: one of each kind tries it.
WRONG_METHOD = ("anonymous", "filler", "officer", "officer_b", "nobody")
# Whose refused pages are read as a script reads them: others of the same word read them whole.
SCRIPTS = {"signer", "reader", "checker", "approver", "filler_provincial", "left"}
# What the portal notes of a request that wrote nothing itself.
NOTED = (DENIED, READ)
WRITE = re.compile(r'\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+"?(\w+)', re.IGNORECASE)
GRANTED = {"GET": {200, 302}, "POST": {200, 302, 409, 422}}
# A script or style that comes with the page and has no nonce; a handler or style in an attribute.
INLINE = re.compile(
    r"<(?:script|style)\b(?![^>]*\b(?:src|nonce)=)[^>]*>|<[^>]+\s(?:style|on[a-z]+)=[^>]*>", re.I
)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def routes(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every route of the URL table: `app:name` (or the pattern of one without a name)."""
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            space = f"{pattern.namespace}:" if pattern.namespace else ""
            yield from routes(pattern, prefix + space)
        else:
            yield prefix + (pattern.name or str(pattern.pattern)), pattern


@dataclass
class Walk:
    """The parts of a walk, and what it found."""

    cast: Cast
    cases: dict[str, Case]
    clients: dict[str, tuple[Client, str]]
    before: dict[str, int]
    ground: str = ""
    faults: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)
    done: Counter = field(default_factory=Counter)
    acted: set[str] = field(default_factory=set)
    slow: Counter = field(default_factory=Counter)
    addresses: Iterator[int] = field(default_factory=lambda: count(1))


@dataclass(frozen=True)
class Step:
    """One request: who asks for what, of whom."""

    entry: Entry
    person: str
    method: str
    owner: str
    url: str
    body: dict[str, Any]
    note: str = ""

    def __str__(self) -> str:
        whose = f" of {self.owner}" if self.entry.rows else ""
        return f"{self.entry.key}{whose}{self.note}: {self.person} {self.method}"


# --- The ground -----------------------------------------------------------------------------


def prepare(world: World, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Walk:
    """Build the cast, its three cases, and a client that is logged in for everybody."""
    # Sessions and messages in cookies: a request then touches no table but ours.
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    settings.MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
    settings.UNIFIED_LOGIN = True
    settings.CLIENT_CERT_PROXY_SECRET = "known to the proxy alone"
    settings.SECURITY_CONTACT = "mailto:security@portal.test"
    settings.OIDC_OP_AUTHORIZATION_ENDPOINT = "https://id.test/authorize"
    _typeset_once(monkeypatch)
    # Thousands of refusals, each with its warning and trace, are not worth writing down.
    monkeypatch.setattr(logging.getLogger("django.request"), "disabled", True)
    cast = build_cast(world)
    version, _ = publish(QUESTIONNAIRE)
    w, people = world, cast.people
    owners = [
        Owner("jia", w.unit_a, w.system_a, w.city_a, w.filler, w.officer, cast.takers["jia"]),
        Owner("yi", w.unit_b, w.system_b, w.city_b, w.filler_b, w.officer_b, cast.takers["yi"]),
        Owner(
            slug="province",
            unit=w.unit_provincial,
            system=w.system_provincial,
            office=w.province,
            filler=w.filler_provincial,
            officer=w.officer_province,
            taker=cast.takers["province"],
        ),
    ]
    cases = {owner.slug: build_case(owner, version) for owner in owners}
    for case in cases.values():
        case.rows["questionnaire"] = version
    clients = {"anonymous": (Client(raise_request_exception=False), "")}
    for name, user in people.items():
        client = Client(raise_request_exception=False)
        client.force_login(user)
        clients[name] = (client, client.cookies["sessionid"].value)
    return Walk(cast, cases, clients, fingerprint(), ground=transaction.savepoint())


def _typeset_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first paper of a kind is typeset, the others are copies: layout is not asked here."""
    from reports.paper.render import PaperDocument

    kept: dict[str, bytes] = {}
    typeset = PaperDocument.pdf

    def pdf(self: Any, *args: Any, **kwargs: Any) -> bytes:
        key = str(getattr(self, "template", ""))
        if key not in kept:
            kept[key] = typeset(self, *args, **kwargs)
        return kept[key]

    monkeypatch.setattr(PaperDocument, "pdf", pdf)


def fingerprint(tables: Container[str] | None = None) -> dict[str, int]:
    """A digest of every row of every table of ours (or of these), but for the notes of who asked
    and the time at which somebody was last there."""
    return {
        model._meta.label: hash(repr(list(_rows(model).order_by("pk").values_list(*_told(model)))))
        for app in OUR_APPS
        for model in apps.get_app_config(app).get_models(include_auto_created=True)
        if tables is None or model._meta.db_table in tables
    }


def _rows(model: Any) -> Any:
    rows = model._base_manager.all()
    return rows.exclude(action__in=NOTED) if model is AuditEvent else rows


def _told(model: Any) -> list[str]:
    names = [field.attname for field in model._meta.concrete_fields]
    return [name for name in names if (model, name) != (LoginSession, "seen_at")]


# --- The steps ------------------------------------------------------------------------------


def steps(walk: Walk, entry: Entry) -> Iterator[Step]:
    """Everybody by both methods on a page; on a row, everybody for 甲单位, and for the other two
    owners those who could come near."""
    for person in ["anonymous", "filler"] if entry.alike else walk.clients:
        for method in ("GET", "POST"):
            if not entry.may(method) and person not in WRONG_METHOD:
                continue
            owners = ["jia"]
            if entry.rows and entry.may(method):
                owners += [o for o in ("yi", "province") if _near(walk, person, o)]
            for owner in owners:
                case = walk.cases[owner]
                url = address_of(entry, [case] * len(entry.of))
                body = _body(entry, case) if method == "POST" else {}
                yield Step(entry, person, method, owner, url, body)
            if method == "GET" and (foreign := _foreign(walk, entry, person)):
                url = f"{address_of(entry, [])}?{_asking_for(walk.cases[foreign])}"
                yield Step(entry, person, method, foreign, url, {}, note=f" asked for {foreign}")


def _foreign(walk: Walk, entry: Entry, person: str) -> str:
    """Whose rows to ask a list for by its filters: the first owner who is none of theirs."""
    if entry.rows or entry.public or walk.cast.words.get(person) not in entry.get:
        return ""
    return next((o for o, known in walk.cast.towards.items() if person not in known), "")


def _near(walk: Walk, person: str, owner: str) -> bool:
    """Who could come near the rows of the other two owners: their own people and neighbours."""
    return person in walk.cast.towards[owner] or person in NEIGHBOURS[owner]


def address_of(entry: Entry, cases: list[Case]) -> str:
    kwargs = {}
    for (name, row), case in zip(entry.of.items(), cases or [None] * len(entry.of), strict=True):
        key = "verification_code" if name == "code" else "pk"
        kwargs[name] = row[1:] if row.startswith("=") else getattr(case.rows[row], key)
    if entry.route.endswith("/"):
        return f"/{entry.route}"
    return reverse(entry.route, kwargs=kwargs)


def _asking_for(case: Case) -> str:
    """The filters of every list, set to one owner's rows."""
    rows = case.rows
    asked = {name: rows[name].pk for name in ("unit", "system", "campaign")}
    asked["region"] = case.owner.unit.region_id
    return "&".join(f"{name}={value}" for name, value in asked.items())


def _body(entry: Entry, case: Case) -> dict[str, Any]:
    return {name: _value(value, case) for name, value in entry.body.items()}


def _value(text: str, case: Case) -> Any:
    word, _, more = text.partition(":")
    if text.startswith("@today+"):
        return (today() + timedelta(days=int(text[7:]))).isoformat()
    if word == "@row":
        return case.rows[more].pk
    made = {
        "@office": lambda: Office.objects.get(region="380000").pk,
        "@pdf": lambda: SimpleUploadedFile("盖章.pdf", PDF),
        "@password": lambda: PASSWORD,
        "@uscc": lambda: case.owner.unit.uscc,
        "@domain": lambda: case.owner.system.domains.get().name,
        "@digest": lambda: case.digest,
        "@digest8": lambda: case.digest[:8],
        "@candidate": lambda: case.candidate,
    }
    return made[text]() if text in made else text


# --- What is expected, and what came --------------------------------------------------------


def expected(walk: Walk, step: Step) -> str:
    """One of: login, 404, 403, 405, granted."""
    entry = step.entry
    if step.person == "anonymous" and not entry.public:
        return "login"
    if not entry.may(step.method):
        return "405"
    if entry.public:
        return "granted"
    word = walk.cast.words[step.person]
    if not entry.rows:
        return "granted" if word in entry.may(step.method) else "403"
    if entry.gate and word not in entry.gate:
        return "403"
    towards = walk.cast.towards[step.owner].get(step.person, word if word in PORTAL else "")
    if towards not in entry.sees:
        return "404"
    return "granted" if towards in entry.may(step.method) else "403"


def came(step: Step, response: HttpResponse) -> str:
    status = response.status_code
    if status == 302 and response["Location"].startswith("/accounts/login/"):
        # Logging out leads there as well, but not back to where one came from.
        return "login" if "?next=" in response["Location"] else "granted"
    return "granted" if status in GRANTED[step.method] else str(status)


def text_of(response: HttpResponse) -> str:
    """What a reader could take from an answer: page, file, or the cells of a workbook."""
    parts = response.streaming_content if response.streaming else [response.content]
    content = b"".join(parts)
    if response.get("Content-Type", "").startswith(XLSX):
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            content = b"".join(book.read(name) for name in book.namelist())
    headers = " ".join(f"{k}: {v}" for k, v in response.headers.items())
    return headers + content.decode("utf-8", errors="replace")


@dataclass
class Writes:
    """The tables that a request writes to; that it is noted on the trail is no write of the
    request."""

    seen: set[str] = field(default_factory=set)

    def __call__(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        recorded = not many and any(note in (params or ()) for note in NOTED)
        if not recorded and (found := WRITE.match(str(sql))):
            self.seen.add(found[1])
        return execute(sql, params, many, context)


def take(walk: Walk, step: Step) -> None:
    """Send one request and compare; what it wrote is rolled back, or it wrote nothing."""
    client, session = walk.clients[step.person]
    client.cookies = SimpleCookie({"sessionid": session} if session else {})
    send = client.get if step.method == "GET" else client.post
    n = next(walk.addresses)
    meta = {"REMOTE_ADDR": f"127.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"}
    wanted = expected(walk, step)
    refusal = wanted in {"403", "404"}
    if wanted == "405" or (refusal and (step.method == "POST" or step.person in SCRIPTS)):
        # Most refusals as a script reads them, the others as a person does.
        meta["HTTP_ACCEPT"] = "application/json"
    writes, began = Writes(), time.perf_counter()
    with connection.execute_wrapper(writes):
        response = send(step.url, step.body, **meta)
        text = text_of(response)
    got = came(step, response)
    refused = got != "granted"
    changed = _changed(walk, writes.seen) if refused else []
    if writes.seen or response.status_code >= 500:
        transaction.savepoint_rollback(walk.ground)
    walk.slow[step.entry.key] += time.perf_counter() - began
    walk.done[got] += 1
    if writes.seen and not refused and step.method == "POST":
        walk.acted.add(step.entry.key)
    if wanted != got:
        walk.faults.append(f"{step}: wanted {wanted}, got {response.status_code}")
    if changed:
        walk.faults.append(f"{step}: refused with {got}, but changed {', '.join(changed)}")
    _look_for_leaks(walk, step, response, text)
    if response.get("Content-Type", "").startswith("text/html") and (bad := INLINE.findall(text)):
        walk.faults.append(f"{step}: what the content security policy would stop: {bad[:3]}")


def _changed(walk: Walk, tables: Container[str]) -> list[str]:
    now = fingerprint(tables)
    return [table for table, digest in now.items() if walk.before[table] != digest]


def _look_for_leaks(walk: Walk, step: Step, response: HttpResponse, text: str) -> None:
    if walk.cast.words.get(step.person) in step.entry.shows:
        return
    for owner, case in walk.cases.items():
        if step.person in walk.cast.towards[owner]:
            continue
        found = [mark for mark in case.marks if mark in text]
        if found:
            walk.leaks.append(f"{step} ({response.status_code}) reads {found} of {owner}")


def _mix(walk: Walk, entry: Entry) -> None:
    """A row of one's own in the address does not open a foreign one, behind it or in the form."""
    for mine, other in (("jia", "yi"), ("yi", "jia"), ("province", "jia")):
        own, foreign = walk.cases[mine], walk.cases[other]
        people = [name for name in walk.cast.people if name in walk.cast.towards[mine]]
        if len(entry.rows) > 1:
            url = address_of(entry, [own, *[foreign] * (len(entry.of) - 1)])
            for person in people:
                gated = entry.gate and walk.cast.words[person] not in entry.gate
                wanted = {403 if gated else 404}
                _refused(walk, entry, person, url, _body(entry, foreign), wanted)
        if names_rows(entry.body):
            url = address_of(entry, [own] * len(entry.of))
            for person in people:
                _refused(walk, entry, person, url, _body(entry, foreign), {200, 403, 404, 422})


# Rows that are the same for everyone, or public, as the tree of offices is.
REFERENCES = {"@row:questionnaire", "@row:other_office"}


def names_rows(body: dict[str, str]) -> bool:
    """Whether a form names rows of an owner by their keys."""
    return any(value.startswith("@row:") and value not in REFERENCES for value in body.values())


def _refused(
    walk: Walk, entry: Entry, person: str, url: str, body: dict[str, Any], wanted: set[int]
) -> None:
    client, session = walk.clients[person]
    client.cookies = SimpleCookie({"sessionid": session})
    writes = Writes()
    with connection.execute_wrapper(writes):
        came = [client.post(url, body).status_code]
        if entry.get and wanted == {404}:
            came.append(client.get(url).status_code)
    walk.done["mixed"] += len(came)
    if not wanted.issuperset(came) or _changed(walk, writes.seen):
        walk.faults.append(f"{entry.key}: {person} reaches a foreign row by way of their own")
        transaction.savepoint_rollback(walk.ground)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the garbage collector, which takes a tenth of thousands of requests."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


@_uncollected()
def go(walk: Walk, spaces: Container[str]) -> None:
    """Walk the routes of some namespaces and fail with everything that was found."""
    entries = [entry for entry in load() if entry.space in spaces]
    assert related(walk) == set(RELATIONS), "a word of the table that nobody of the cast stands for"
    for entry in entries:
        for step in steps(walk, entry):
            take(walk, step)
        _mix(walk, entry)
    idle = {e.key for e in entries if e.post and not e.idle} - walk.acted
    cases = sum(walk.done.values())
    routed = len({e.route for e in entries})
    print(f"\nroutes={routed} roles={len(walk.clients)} cases={cases} leaks={len(walk.leaks)}")
    print(f"answers: {dict(walk.done)}; slowest: {walk.slow.most_common(5)}")
    faults = [f"{key}: the form wrote nothing for anybody" for key in sorted(idle)]
    faults = walk.leaks + walk.faults + faults
    assert not faults, f"{len(faults)} faults\n" + "\n".join(faults[:200])
    assert cases > 30 * routed


def related(walk: Walk) -> set[str]:
    return {word for towards in walk.cast.towards.values() for word in towards.values()}
