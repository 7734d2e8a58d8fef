"""Sheets for tests."""

from assessments.rules.evaluate import Outcome, Sheet
from assessments.rules.facts import Facts
from assessments.rules.loading import by_version
from tests.assessments.rules.cases import TODAY

QUESTIONNAIRE = by_version("2026-1")


def sheet_for(code, answers, *, level=3, evidenced=(), **facts):
    """A sheet with the answers of one item; ``X-000.field`` names a field of another item."""
    filled = {}
    for name, value in answers.items():
        item, dot, field = name.partition(".")
        filled[(item, field) if dot else (code, name)] = value
    scope = QUESTIONNAIRE.scope_of[code]
    return Sheet(
        QUESTIONNAIRE, scope, filled, Facts(on=TODAY, level=level, **facts), set(evidenced)
    )


def judge(code, answers, **kwargs) -> Outcome:
    return sheet_for(code, answers, **kwargs).outcome(QUESTIONNAIRE.item(code))
