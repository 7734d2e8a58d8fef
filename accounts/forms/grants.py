"""Forms of the grants."""

from typing import Any

from django import forms

from accounts.lifecycles import GRANT

# What follows from the end of the whole account is no step of its own.
OFFERED = [step for step in GRANT if step.power in {"account.manage", "grant.manage"}]
OFFERED.remove(GRANT.transitions["stop"])


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
