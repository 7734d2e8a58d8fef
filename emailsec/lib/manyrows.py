"""Several rows chosen by their ids, as a form sends them."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model

from emailsec.lib.http import KEY_DIGITS

if TYPE_CHECKING:
    _Field = forms.ModelMultipleChoiceField[Model]
else:
    # Generic in the stubs only.
    _Field = forms.ModelMultipleChoiceField


class ManyRowsField(_Field):
    """A choice of rows. An id too long for its column is told like one that does not exist, where
    Django asks the database and SQLite raises OverflowError."""

    def clean(self, value: Any) -> Any:
        if isinstance(value, list | tuple):
            for one in value:
                if len(str(one)) > KEY_DIGITS:
                    raise ValidationError(
                        self.error_messages["invalid_choice"],
                        code="invalid_choice",
                        params={"value": one},
                    )
        return super().clean(value)
