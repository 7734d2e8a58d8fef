"""Fields that know the codes of `inventory.codes` and the tables behind them."""

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from inventory import codes
from inventory.models import Region


class CodeField(forms.CharField):
    """A text that a function of `inventory.codes` makes canonical or refuses in Chinese."""

    def __init__(self, *, check: Callable[[str], str], **kwargs: Any) -> None:
        self.check = check
        super().__init__(**kwargs)

    def clean(self, value: Any) -> str:
        text = str(super().clean(value) or "")
        if not text:
            return ""
        try:
            return self.check(text)
        except ValueError as error:
            raise ValidationError(str(error)) from None


class RegionField(forms.CharField):
    """A six-digit division code; cleans to the Region."""

    def __init__(self, *, label: str = "行政区划代码", **kwargs: Any) -> None:
        super().__init__(label=label, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return value.pk if isinstance(value, Region) else value

    def clean(self, value: Any) -> Any:
        text = str(super().clean(value) or "")
        if not text:
            return None
        try:
            text = codes.division(text)
        except ValueError as error:
            raise ValidationError(str(error)) from None
        region = Region.objects.filter(pk=text).first()
        if region is None:
            raise ValidationError(f"区划表中没有代码“{text}”，请核对，或用下面的列表选择。")
        if region.valid_to and region.valid_to < timezone.localdate():
            raise ValidationError(
                f"“{region.name}”（{text}）已于{region.valid_to:%Y年%-m月%-d日}停用，请改用现行区划。"
            )
        return region


class CommaChoices(forms.MultipleChoiceField):
    """Several choices that the model keeps joined by commas; cleans to that text."""

    widget = forms.CheckboxSelectMultiple

    def prepare_value(self, value: Any) -> Any:
        return [v for v in value.split(",") if v] if isinstance(value, str) else value

    def clean(self, value: Any) -> Any:
        chosen: Iterable[str] = super().clean(value)
        return ",".join(chosen)


class DomainLines(forms.CharField):
    """Domain names, one a line; cleans to a list of A-labels without doubles."""

    widget = forms.Textarea(attrs={"rows": 4, "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return "\n".join(codes.u_label(name) for name in value)
        return value

    def clean(self, value: Any) -> Any:
        names: dict[str, int] = {}
        wrong = []
        for number, line in enumerate(str(super().clean(value) or "").splitlines(), 1):
            if not line.strip():
                continue
            try:
                name = codes.domain_name(line)
            except ValueError as error:
                wrong.append(f"第{number}行：{error}")
                continue
            if name in names:
                wrong.append(f"第{number}行：“{line.strip()}”与第{names[name]}行重复。")
            else:
                names[name] = number
        if wrong:
            raise ValidationError(wrong)
        return list(names)


class DayField(forms.DateField):
    """A date that has already come."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

    def clean(self, value: Any) -> Any:
        day = super().clean(value)
        if day and day > timezone.localdate():
            raise ValidationError("日期不能晚于今天。")
        return day


def titled(text: str) -> str:
    """`codes.title` for a form's own `clean_…`; raises ValidationError where it refuses."""
    try:
        return codes.title(text)
    except ValueError as error:
        raise ValidationError(str(error)) from None


def count_errors(*forms_: Any) -> int:
    """How many fields of bound forms have to be corrected."""
    return sum(len(form.errors) for form in forms_ if form.is_bound)


def speak_plainly(form: Any) -> None:
    """Let the empty choice of a drop-down say 请选择, and let long text in.

    A browser cuts what is pasted into a field with `maxlength`, and says nothing; without it the
    form says how long is too long.
    """
    for field in form.fields.values():
        field.widget.attrs.pop("maxlength", None)
        if isinstance(field, forms.ModelChoiceField):
            if field.empty_label == "---------":
                field.empty_label = "请选择"
        elif isinstance(field.widget, forms.Select):
            field.choices = [(k, "请选择" if k == "" else label) for k, label in field.choices]
