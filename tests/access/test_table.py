"""The table names every route of the URL table, each argument of it, and nothing else."""

from django.urls import URLPattern

from tests.access.matrix import load
from tests.access.walk import routes


def test_the_table_names_every_route_and_no_other():
    named = {entry.route for entry in load()}
    known = {name for name, pattern in routes() if isinstance(pattern, URLPattern)}
    assert known - named == set(), "routes that matrix.toml does not name"
    assert named - known == set(), "entries of matrix.toml without a route"


def test_the_table_names_every_argument():
    arguments = {name: set(p.pattern.converters) for name, p in routes()}
    wrong = [e.key for e in load() if set(e.of) != arguments.get(e.route, set(e.of))]
    assert wrong == []
