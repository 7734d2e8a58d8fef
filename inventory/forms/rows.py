"""Rows that a person adds and removes with plain buttons, without a script."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.forms.utils import ErrorDict
from django.http import QueryDict

from inventory.forms.fields import speak_plainly


class RowForm(forms.Form):
    """One row. A row left empty does not count; a half-filled row must be completed."""

    # The field that makes a row; named here so that an otherwise filled row can complain about it.
    main: str

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        speak_plainly(self)
        for field in self.fields.values():
            number = (self.prefix or "").rsplit("-", 1)[-1]
            spoken = int(number) + 1 if number.isdigit() else ""
            css = "form-select" if isinstance(field.widget, forms.Select) else "form-control"
            field.widget.attrs.update(
                {"class": css, "aria-label": f"{field.label} {spoken}".strip()}
            )

    @property
    def is_blank(self) -> bool:
        return not any(self.cleaned_data.get(name) for name in self.typed)

    @property
    def typed(self) -> list[str]:
        """Fields that a person types into; a select always has a value and says nothing."""
        return [n for n, f in self.fields.items() if not isinstance(f.widget, forms.Select)]

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if self.main not in self.errors and not data.get(self.main) and not self.is_blank:
            self.add_error(self.main, f"请填写{self.fields[self.main].label}，或移除这一行。")
        return data


class RowFormSet(forms.BaseFormSet):  # type: ignore[type-arg]
    """A set of rows; `entries()` are those that say something."""

    def entries(self) -> list[dict[str, Any]]:
        return [form.cleaned_data for form in self.forms if not form.is_blank]


def with_row_changed(data: QueryDict, prefix: str, *, drop: int | None = None) -> QueryDict:
    """Return a copy of `data` with one more empty row in `prefix`, or without row `drop`."""
    total = _total(data, prefix)
    changed = data.copy()
    rows: list[Mapping[str, list[str]]] = []
    for number in range(total):
        head = f"{prefix}-{number}-"
        rows.append({key[len(head) :]: data.getlist(key) for key in data if key.startswith(head)})
        for key in [key for key in changed if key.startswith(head)]:
            del changed[key]
    if drop is None:
        rows.append({})
    else:
        rows = [row for number, row in enumerate(rows) if number != drop]
    for number, row in enumerate(rows):
        for name, values in row.items():
            changed.setlist(f"{prefix}-{number}-{name}", values)
    changed[f"{prefix}-TOTAL_FORMS"] = str(len(rows))
    return changed


def _total(data: QueryDict, prefix: str) -> int:
    text = data.get(f"{prefix}-TOTAL_FORMS", "0")
    return min(int(text), 200) if isinstance(text, str) and text.isdecimal() else 0


def hush(*forms_: Any) -> None:
    """Show bound forms without complaints: the person has only asked for another row."""
    for form in forms_:
        form._errors = ErrorDict()
        form.cleaned_data = {}
