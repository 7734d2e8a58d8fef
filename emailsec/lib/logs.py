"""What must never stand in a log: the secrets of this installation."""

import logging
import re
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.views.debug import SafeExceptionReporterFilter

STRUCK: Final = "********"
# Settings that hold a secret, and those that hold an address with a password in it.
_SECRETS: Final = (
    *("SECRET_KEY", "AUDIT_KEY", "AUDIT_KEYS_OLD", "FACTOR_KEYS", "FILE_KEYS"),
    *("OIDC_RP_CLIENT_SECRET", "CLIENT_CERT_PROXY_SECRET"),
)
_ADDRESSES: Final = ("REDIS_URL", "CELERY_BROKER_URL")
_SHORTEST: Final = 8  # shorter ones would strike out ordinary words


def secrets_in_use() -> list[str]:
    """Every secret text of the settings, the longest first."""
    found: set[str] = set()
    for name in _SECRETS:
        value = getattr(settings, name, "")
        found.update([value] if isinstance(value, str) else map(str, value))
    for name in _ADDRESSES:
        raw = urlsplit(getattr(settings, name, "")).password or ""
        found.update({raw, unquote(raw)})
    found.update(str(base.get("PASSWORD") or "") for base in settings.DATABASES.values())
    return sorted((text for text in found if len(text) >= _SHORTEST), key=len, reverse=True)


class RefusalsInOneLine(logging.Filter):
    """Takes the trace off a refusal: it is no fault, and the audit trail has it."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and isinstance(record.exc_info[1], PermissionDenied):
            record.exc_info = None
        return True


class StruckFormatter(logging.Formatter):
    """Formats as usual and strikes out every secret, in message and traceback alike.

    The texts are looked for themselves: a library may put them anywhere, for example the address
    of the database into the text of its error.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pattern: re.Pattern[str] | None = None

    def format(self, record: logging.LogRecord) -> str:
        if self._pattern is None:  # the settings are not there yet when logging is configured
            texts = [re.escape(text) for text in secrets_in_use()]
            self._pattern = re.compile("|".join(texts) or r"(?!)")
        return self._pattern.sub(STRUCK, super().format(record))


class ReportFilter(SafeExceptionReporterFilter):
    """Django's error report, should anybody switch it on: addresses carry passwords as well."""

    hidden_settings = re.compile(
        "API|AUTH|TOKEN|KEY|SECRET|PASS|SIGNATURE|HTTP_COOKIE|URL|LOCATION|CODE|OTP", re.IGNORECASE
    )

    def is_active(self, request: Any) -> bool:
        """Always: also where DEBUG is on."""
        return True

    def get_post_parameters(self, request: Any) -> dict[str, Any]:
        """What was sent, without what is secret by its name, whether or not the view says so."""
        sent = request.POST if request is not None else {}
        return {name: self.cleanse_setting(name, value) for name, value in sent.items()}

    def get_traceback_frame_variables(  # type: ignore[override]
        self, request: Any, tb_frame: Any
    ) -> list[tuple[str, Any]]:
        """The same for the variables of every function."""
        found = super().get_traceback_frame_variables(request, tb_frame)
        return [(name, self.cleanse_setting(name, value)) for name, value in found]
