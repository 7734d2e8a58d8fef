"""Views, forms and filters reach owned rows through `visible_to` and in no other way.

Read from the syntax tree, so that a line that no test runs is looked at as well.
"""

import ast
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings

from tests.access.test_models import APPS

ROOT = Path(settings.BASE_DIR)
PLACES = ("*/views.py", "*/views/**/*.py", "*/forms.py", "*/forms/**/*.py", "*/filters.py")
EXEMPT_FOLDERS = {"tests", "node_modules", "var", "practice", "tools"}

# Reference data: the same for everyone, owned by no unit.
REFERENCE = {
    "Region": "administrative divisions",
    "Sector": "dictionary of the filing form",
    "KeyIndustry": "dictionary of the action plan",
    "Office": "the tree of authorities is public; who works there is not asked here",
    "Questionnaire": "published versions, the same for everyone",
}
# Places that ask past the scope on purpose, and show nothing of what they find.
ON_PURPOSE = {
    ("accounts/forms/accounts.py", "AccountForm.clean_username"): "a user name is taken everywhere",
    (
        "accounts/forms/accounts.py",
        "RoleForm.clean",
    ): "系统管理员 names a unit by its full code, sees no list",
    ("inventory/forms/unit.py", "UnitForm.clean_uscc"): "a code is registered once",
    (
        "inventory/forms/system.py",
        "SystemForm.clean_name",
    ): "a name is used once in the unit itself",
    (
        "inventory/forms/system.py",
        "BaseDomainRows.clean",
    ): "a domain belongs to one system; says no whose",
    ("inventory/filters.py", "UnitFilter.by_text"): "pk__in of rows that are scoped already",
    ("inventory/filters.py", "SystemFilter.by_text"): "pk__in of rows that are scoped already",
}
MANAGERS = {"objects", "ever", "_default_manager", "_base_manager"}
# What may follow a manager: only the scope. `Prefetch(…, X.objects…)` is bounded by its parent.
SCOPED = {"visible_to", "none"}
BY_MODEL = {"get_object_or_404", "get_list_or_404", "aget_object_or_404"}


def owned_names() -> set[str]:
    return {m.__name__ for app in APPS for m in apps.get_app_config(app).get_models()} - set(
        REFERENCE
    )


def unscoped(source: str, owned: set[str]) -> list[tuple[str, str]]:
    """Return what `source` fetches past the scope: (function, `line: text`)."""
    tree = ast.parse(source)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    return sorted(
        {
            (_function(n, parents), f"{n.lineno}: {ast.unparse(n)}")
            for n in ast.walk(tree)
            if _is_unscoped(n, parents, owned)
        }
    )


def _function(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> str:
    """The dotted name of the function or class that `node` stands in."""
    names: list[str] = []
    while node in parents:
        node = parents[node]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.insert(0, node.name)
    return ".".join(names)


def _is_unscoped(node: ast.AST, parents: dict[ast.AST, ast.AST], owned: set[str]) -> bool:
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else None
        name = node.func.id if isinstance(node.func, ast.Name) else name
        if name in BY_MODEL and node.args and isinstance(node.args[0], ast.Name):
            return node.args[0].id in owned
        return name in {"get_model", "raw", "cursor", "extra"}
    if not isinstance(node, ast.Attribute) or node.attr not in MANAGERS:
        return False
    if not (isinstance(node.value, ast.Name) and node.value.id in owned):
        # `type(x).objects`, `models.X.objects`, `self.model._default_manager`
        return not isinstance(node.value, ast.Name) and node.attr in MANAGERS
    after = parents.get(node)
    if isinstance(after, ast.Attribute) and after.attr in SCOPED:
        return False
    return not _inside_prefetch(node, parents) and not _only_a_choice_of_manager(node, parents)


def _inside_prefetch(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    while node in parents:
        node = parents[node]
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Prefetch":
            return True
    return False


def _only_a_choice_of_manager(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """`shown = X.ever if … else X.objects`, used once as `shown.visible_to(…)`."""
    choice = parents.get(node)
    kept = parents.get(choice) if isinstance(choice, ast.IfExp) else None
    target = kept.target if isinstance(kept, ast.AnnAssign) else None
    if not isinstance(target, ast.Name):
        return False
    root = kept
    while root in parents:
        root = parents[root]
    uses = [
        parents[n]
        for n in ast.walk(root)
        if isinstance(n, ast.Name) and n.id == target.id and isinstance(n.ctx, ast.Load)
    ]
    return bool(uses) and all(isinstance(u, ast.Attribute) and u.attr in SCOPED for u in uses)


def files() -> list[Path]:
    found = {path for pattern in PLACES for path in ROOT.glob(pattern)}
    return sorted(p for p in found if p.relative_to(ROOT).parts[0] not in EXEMPT_FOLDERS)


def test_views_fetch_through_scope():
    owned = owned_names()
    looked_at = files()
    assert len(looked_at) > 20
    found = [
        (str(path.relative_to(ROOT)), function, line)
        for path in looked_at
        for function, line in unscoped(path.read_text(encoding="utf-8"), owned)
    ]
    wrong = [one for one in found if one[:2] not in ON_PURPOSE]
    assert wrong == [], "\n".join(" ".join(one) for one in wrong)
    assert {one[:2] for one in found} == ON_PURPOSE.keys(), "the list is longer than needed"


@pytest.mark.parametrize(
    "line",
    [
        "Unit.objects.get(pk=1)",
        "Finding.objects.filter(pk=pk).first()",
        "rows = Notice.objects.all()",
        "rows = Notice.objects",
        "MailDomain.ever.filter(system=s)",
        "SelfCheck._default_manager.all()",
        "models.Finding.objects.all()",
        "type(x).objects.all()",
        "get_object_or_404(Finding, pk=pk)",
        "shortcuts.get_object_or_404(Finding, pk=pk)",
        "apps.get_model('rectification', 'Finding')",
        "connection.cursor()",
        "shown: Any = MailDomain.ever if x else MailDomain.objects\nshown.all()",
        "forms.ModelChoiceField(queryset=Unit.objects.all())",
    ],
)
def test_what_would_pass_by_the_scope_is_found(line):
    assert unscoped(line, owned_names())


@pytest.mark.parametrize(
    "line",
    [
        "Unit.objects.visible_to(request.user).get(pk=1)",
        "get_object_or_404(Finding.objects.visible_to(user), pk=pk)",
        "get_object_or_404(selfcheck.sheets, pk=pk)",
        "Region.objects.filter(level=1)",
        "Prefetch('contacts', Contact.objects.order_by('role'))",
        "shown: Any = MailDomain.ever if x else MailDomain.objects\nshown.visible_to(user)",
        "forms.ModelChoiceField(queryset=Unit.objects.none())",
    ],
)
def test_what_keeps_to_the_scope_passes(line):
    assert unscoped(line, owned_names()) == []
