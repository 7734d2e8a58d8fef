"""Published questionnaire versions: from the stored TOML to the evaluator's dataclasses."""

import hashlib
from functools import lru_cache
from pathlib import Path

from django.db import transaction

from assessments.models import Questionnaire
from assessments.rules import schema
from assessments.rules.loading import loads


@lru_cache(maxsize=8)
def _parsed(sha256: str, source: str) -> schema.Questionnaire:
    return loads(source.encode())


def definition(version: Questionnaire) -> schema.Questionnaire:
    """Return the parsed questionnaire that a self-check pins."""
    return _parsed(version.sha256, version.source)


@transaction.atomic
def publish(path: Path) -> tuple[Questionnaire, bool]:
    """Load a questionnaire file as a published version.

    Args:
        path: a TOML file in the form of docs/questionnaire.md.

    Returns:
        The version, and whether it is new. The same content twice is the same version.

    Raises:
        SchemaError: the file is wrong (says where and why).
        ValueError: the version exists with other content; a published version never changes.
    """
    source = path.read_text(encoding="utf-8")
    parsed = loads(source.encode())
    sha256 = hashlib.sha256(source.encode()).hexdigest()
    row, created = Questionnaire.objects.get_or_create(
        version=parsed.version,
        defaults={"title": parsed.title, "source": source, "sha256": sha256},
    )
    if not created and row.sha256 != sha256:
        raise ValueError(
            f"版本 {parsed.version} 已发布且内容不同；已发布的版本不能修改，请换用新的版本号。"
        )
    return row, created
