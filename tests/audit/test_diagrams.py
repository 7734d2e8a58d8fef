"""docs/lifecycles.md says what the tables say."""

from pathlib import Path

from django.conf import settings

from audit.diagrams import document
from audit.lifecycle import LIFECYCLES


def test_the_document_is_what_the_tables_print():
    written = Path(settings.BASE_DIR, "docs", "lifecycles.md").read_text(encoding="utf-8")
    assert document() == written, "manage.py lifecycle_diagrams > docs/lifecycles.md"


def test_every_lifecycle_is_printed_with_every_act():
    text = document()
    assert {lifecycle.noun for lifecycle in LIFECYCLES.values()} >= {
        "campaign", "selfcheck", "authorization", "finding", "notice",
    }  # fmt: skip
    for lifecycle in LIFECYCLES.values():
        for step in lifecycle:
            assert f"`{step.action}` {step.label}" in text
