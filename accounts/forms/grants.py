"""Forms of the grants."""

from typing import Any

from django import forms

from accounts.lifecycles import GRANT

# What follows from an act on the whole account is no step of its own.
_FOLLOWS = {"stop", "hold", "ask_anew"}
OFFERED = [
    step
    for step in GRANT
    if step.power in {"account.manage", "grant.manage"} and step.action not in _FOLLOWS
]


class GrantActForm(forms.Form):
    """One step of a grant, with its reason; which steps need one is the lifecycle's to say."""

    action = forms.ChoiceField(choices=[(step.action, step.label) for step in OFFERED])
    reason = forms.CharField(
        label="理由",
        max_length=200,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        step = next((step for step in OFFERED if step.action == data.get("action")), None)
        if step and step.reason_required and not data.get("reason"):
            self.add_error("reason", f"“{step.label}”须填写理由。")
        return data
