"""Forms about the people of a unit or an office."""

from typing import Any

from django import forms

from accounts.models import User
from accounts.roles import Role
from accounts.staff import may_seat
from inventory.models import Unit

NEW = "new"


class InviteForm(forms.Form):
    """A further account of a unit."""

    role = forms.ChoiceField(label="角色")

    def __init__(self, *args: Any, unit: Unit, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        given = [r for r in (Role.FILLER, Role.READER, Role.SIGNER) if may_seat(by, unit, r)]
        self.fields["role"].choices = [(r.value, r.label) for r in given]  # type: ignore[attr-defined]


class LeaveForm(forms.Form):
    """Who takes over from somebody who leaves, and why they leave."""

    successor = forms.ChoiceField(label="接替人")
    reason = forms.CharField(label="理由", max_length=200, help_text="例如“调离”“退休”。")

    def __init__(
        self, *args: Any, person: User, colleagues: list[User], inviting: Role | None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.colleagues = {str(user.pk): user for user in colleagues}
        choices = [(key, f"{u.name}（{u.role_names}）") for key, u in self.colleagues.items()]
        if inviting is not None:
            choices.append((NEW, f"邀请新的{inviting.label}"))
        field: Any = self.fields["successor"]
        if person.roles == {Role.READER}:
            field.required = False
            choices.insert(0, ("", "不需要接替"))
        else:
            choices.insert(0, ("", "请选择"))
            field.error_messages["required"] = (
                "请选择接替人。" if len(choices) > 1 else "没有可以接替的人，请先增加人员。"
            )
        field.choices = choices

    @property
    def taker(self) -> User | None:
        """The colleague chosen; None for a new one, or for nobody."""
        return self.colleagues.get(self.cleaned_data["successor"])

    @property
    def invites(self) -> bool:
        return bool(self.cleaned_data["successor"] == NEW)
