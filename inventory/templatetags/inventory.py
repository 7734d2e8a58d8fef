"""Tags of the inventory's pages."""

from typing import Any

from django import template
from django.forms import BoundField

from inventory.regions import Picker, picker

register = template.Library()


@register.simple_tag
def region_picker(field: BoundField) -> Picker:
    """The picker for the code that `field` holds now."""
    value: Any = field.value()
    return picker(str(value or ""))
