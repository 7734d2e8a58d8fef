"""远程检测授权书 and 告知单."""

from dataclasses import dataclass
from datetime import date

from reports.paper.contexts.parties import Office, Unit, Verification


@dataclass(frozen=True, kw_only=True)
class AuthorizedHost:
    system: str
    host: str
    services: str  # SMTP 25、465、587
    operator: str  # 本单位 / the provider's name


@dataclass(frozen=True, kw_only=True)
class AuthorizedItem:
    label: str
    detail: str
    allowed: bool


@dataclass(frozen=True, kw_only=True)
class AuthorizationPaper:
    """远程检测授权书: the unit permits an office to look at named hosts from outside."""

    office: Office
    unit: Unit
    number: str
    hosts: tuple[AuthorizedHost, ...]
    items: tuple[AuthorizedItem, ...]
    valid_from: date
    valid_until: date
    hours: str  # 每日0时至24时 / 工作日9时至17时
    source_addresses: tuple[str, ...]
    duty_contact: str  # the unit's 24-hour contact
    duty_phone: str
    stop: str  # how the unit stops a running check, one sentence
    verification: Verification

    def __post_init__(self) -> None:
        if not self.hosts:
            raise ValueError("an authorisation that names no host")
        if not any(item.allowed for item in self.items):
            raise ValueError("an authorisation that allows nothing")
        if self.valid_until < self.valid_from:
            raise ValueError("the authorisation ends before it begins")


@dataclass(frozen=True, kw_only=True)
class InvitationPaper:
    """One page that gets a unit from the post room to its first login."""

    office: Office
    unit: Unit
    campaign: str
    serial: str
    issued_on: date
    deadline: date
    tasks: tuple[str, ...]  # what is asked, one short sentence each
    url: str  # the page on which the code is typed
    link: str  # what the QR code opens: the same page with the code
    role: str = "填报人"  # whose account it is
    account: str
    code: str  # works once
    code_until: date  # the last day on which it works

    def __post_init__(self) -> None:
        if self.deadline <= self.issued_on:
            raise ValueError("the deadline does not lie after the day of issue")
