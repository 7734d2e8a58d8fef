"""SPF by RFC 7208: parser, receiver's evaluation, and the audit that the scanner uses."""

from .audit import Audit, audit
from .check import check_host
from .record import parse, select

__all__ = ["Audit", "audit", "check_host", "parse", "select"]
