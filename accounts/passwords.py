import re

from django.core.exceptions import ValidationError

from accounts.models import User


class CharacterClassesValidator:
    """Require three of: lower case, upper case, digits, other characters."""

    def validate(self, password: str, user: User | None = None) -> None:
        classes = sum(bool(re.search(p, password)) for p in (r"[a-z]", r"[A-Z]", r"\d", r"[^\w]|_"))
        if classes < 3:
            raise ValidationError("口令须包含大写字母、小写字母、数字、符号中的至少三类。")

    def get_help_text(self) -> str:
        return "口令须包含大写字母、小写字母、数字、符号中的至少三类。"
