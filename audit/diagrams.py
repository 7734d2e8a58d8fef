"""The lifecycle tables as Markdown: what docs/lifecycles.md says is what the code does."""

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec

from django.apps import apps

from audit.lifecycle import LIFECYCLES, Lifecycle, Transition

HEAD = """# State machines

Printed by `manage.py lifecycle_diagrams > docs/lifecycles.md` from the tables in
`<app>/lifecycles.py`; a test holds this file to them. A power is held by roles
(`accounts/roles.py`); `system` is no person: the move follows from another act. Each move is a row
with person, time and reason, and an event of the audit trail.
"""


def document() -> str:
    """Return all lifecycles of the project, sorted by the label of their change rows."""
    for config in apps.get_app_configs():
        name = f"{config.name}.lifecycles"
        if find_spec(name) is not None:
            import_module(name)
    return "\n".join([HEAD, *(_section(LIFECYCLES[key]) for key in sorted(LIFECYCLES))])


def _section(lifecycle: Lifecycle) -> str:
    change = apps.get_model(lifecycle.change_model)
    model = change._meta.get_field("subject").related_model
    labels = {str(status): str(label) for status, label in model.Status.choices}
    lines = [f"## {model._meta.verbose_name} · `{model._meta.label}`", ""]
    lines += ["```mermaid", "stateDiagram-v2"]
    lines += [f"  {status}: {label}" for status, label in labels.items()]
    lines += [f"  [*] --> {model._meta.get_field('status').default}"]
    lines += [f"  {source} --> {step.target}: {step.label}" for source, step in _arrows(lifecycle)]
    lines += ["```", "", "| act | power | reason | from | to |", "|---|---|---|---|---|"]
    for step in lifecycle:
        sources = "、".join(labels[source] for source in step.sources)
        lines.append(
            f"| `{step.action}` {step.label} | `{step.power}` "
            f"| {'required' if step.reason_required else ''} "
            f"| {sources} | {labels[step.target]} |"
        )
    return "\n".join(lines) + "\n"


def _arrows(lifecycle: Lifecycle) -> Iterator[tuple[str, Transition]]:
    for step in lifecycle:
        for source in step.sources:
            yield source, step
