"""Rules for passwords (口令 throughout: 密码 is what cryptography law calls ciphers)."""

import re

from django.contrib.auth import password_validation as builtin
from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError

from accounts.habits import is_habit
from accounts.models import User
from accounts.policy import policy


class CharacterClassesValidator:
    """Require three of: lower case, upper case, digits, other characters."""

    def validate(self, password: str, user: User | None = None) -> None:
        classes = sum(bool(re.search(p, password)) for p in (r"[a-z]", r"[A-Z]", r"\d", r"[^\w]|_"))
        if classes < 3:
            raise ValidationError(self.get_help_text())

    def get_help_text(self) -> str:
        return "口令须包含大写字母、小写字母、数字、符号中的至少三类。"


class MinimumLengthValidator(builtin.MinimumLengthValidator):
    def get_error_message(self) -> str:
        return f"口令至少{self.min_length}位。"

    get_help_text = get_error_message


class SimilarityValidator(builtin.UserAttributeSimilarityValidator):
    def __init__(self) -> None:
        super().__init__(user_attributes=("username", "name", "phone"))

    def get_error_message(self) -> str:
        return "口令与用户名、姓名或手机号过于相似。"

    def get_help_text(self) -> str:
        return "口令不能与用户名、姓名或手机号相似。"


class CommonPasswordValidator(builtin.CommonPasswordValidator):
    def get_error_message(self) -> str:
        return "此口令过于常见，容易被猜到。"

    def get_help_text(self) -> str:
        return "口令不能是常见的口令。"


class GuessableValidator:
    """Refuse what satisfies every rule of form and is guessed all the same.

    `Admin@2026!` has four classes of characters and stands in every attacker's list: one word, a
    sign, a year. Letters in two different parts rule this out; zxcvbn (D. Wheeler, USENIX Security
    2016) finds keyboard rows, repeats, and common passwords in disguise.
    """

    # 3 billion guesses: above the walks over the keyboard (1qaz@WSX3edc has 10^9.3), below nearly
    # all random passwords of ten characters (10^10).
    _LEAST_GUESSES = 3e9
    # What zxcvbn reads at most; longer ones are judged by their beginning.
    _READ = 72

    def validate(self, password: str, user: User | None = None) -> None:
        if len({word.lower() for word in re.findall(r"[^\W\d_]+", password)}) < 2:
            raise ValidationError(
                "口令不能只是一个词加数字或符号，这样的最先被猜到；请用两段以上不同的字母，"
                "中间用数字或符号隔开。"
            )
        # Loaded here: its word lists cost 40 ms and 10 MB that most processes never need.
        from zxcvbn import zxcvbn

        known = [user.username, user.name, user.phone, user.place] if user else []
        found = zxcvbn(password[: self._READ], user_inputs=[word for word in known if word])
        if found["guesses"] < self._LEAST_GUESSES:
            raise ValidationError(
                "口令容易被猜到：含有常见口令、键盘上相邻的键或重复的内容；请换几个互不相关的词连起来。"
            )

    def get_help_text(self) -> str:
        return "口令不能是一个词加数字，也不能含常见口令或键盘上相邻的键。"


class HabitValidator:
    """Refuse what is a row of parts that everybody builds passwords from (accounts/habits.toml)."""

    def validate(self, password: str, user: User | None = None) -> None:
        if is_habit(password):
            raise ValidationError(
                "去掉常见的拼音词、姓名、地名、机关名、年份和键盘顺序，这个口令所剩无几，"
                "攻击者最先试的就是这样的组合；请换几个互不相关的词。"
            )

    def get_help_text(self) -> str:
        return "口令不能只由常见的拼音词、姓名、地名、机关名、年份和键盘顺序拼成。"


class HistoryValidator:
    """Refuse the present password and those before it, as many as the policy says."""

    def validate(self, password: str, user: User | None = None) -> None:
        if user is None or user.pk is None:
            return
        # Rows of accounts made in bulk lack their first password; it is the present one.
        hashes = {user.password, *user.used_passwords.values_list("password", flat=True)}
        if any(check_password(password, each) for each in hashes):
            raise ValidationError(self.get_help_text())

    def get_help_text(self) -> str:
        return f"新口令不能与现在的口令或最近用过的 {policy().password.history} 个口令相同。"
