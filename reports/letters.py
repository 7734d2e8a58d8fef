"""《远程检测授权书》: from the letter's row to its paper, kept in the register.

A drafted letter is never edited, so one letter has one document: printed again, it is the same.
"""

from typing import Final

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts.models import User
from audit.trail import record
from emailsec.lib.workdays import today
from inventory.codes import u_label
from inventory.models import EndpointKind, MailSystem
from reports import register
from reports.mapping import Incomplete
from reports.mapping.parties import office_of, unit_of
from reports.models import Document
from reports.paper import contexts as paper
from reports.paper import documents
from scans.models import Authorization, AuthorizationItem
from scans.permission import is_provider_host

_SERVICES: Final = {
    EndpointKind.MX: "SMTP 25",
    EndpointKind.SUBMISSION: "SMTP 465、587",
    EndpointKind.IMAP: "IMAP 143、993",
    EndpointKind.POP3: "POP3 110、995",
    EndpointKind.WEBMAIL: "HTTP 80、HTTPS 443",
}
_DOMAIN: Final = "域名解析；其 MX 主机的 SMTP 25"


def issue_letter(letter: Authorization, *, by: User) -> Document:
    """Return the letter's document, rendered and registered the first time.

    Raises:
        Incomplete: the unit has no office, or our source addresses are not configured (Chinese).
    """
    if not by.can("system.read", letter):
        raise PermissionDenied("system.read")
    same = letter.documents.filter(kind=Document.Kind.AUTHORIZATION).first()
    if same is not None:
        return same
    verification = register.new_verification()
    made = letter_paper(letter, verification)
    printed = documents.authorization(made)
    pdf = printed.pdf()
    entry = register.Entry(
        kind=Document.Kind.AUTHORIZATION,
        unit=letter.unit,
        number=made.number,
        issuer=letter.unit.name,
        issued_on=today(),
        verification=verification,
        more={"authorization": letter},
    )
    with transaction.atomic():
        # One row to queue at: two clicks print one document.
        Authorization.objects.select_for_update().get(pk=letter.pk)
        same = letter.documents.filter(kind=Document.Kind.AUTHORIZATION).first()
        if same is not None:
            return same
        document = register.keep(pdf, printed.title, entry, by=by)
        record("authorization.print", letter, by=by, details={"document": document.pk})
    return document


def letter_paper(
    letter: Authorization, verification: paper.Verification
) -> paper.AuthorizationPaper:
    """Return what the letter prints.

    Raises:
        Incomplete: see `issue_letter`.
    """
    office = letter.unit.police_office()
    if office is None:
        raise Incomplete("该单位还没有确定监管机关，授权书无法写明抬头；请联系监管机关。")
    return paper.AuthorizationPaper(
        office=office_of(office, contact="值班民警"),
        unit=unit_of(letter.unit),
        number=letter.number,
        hosts=_hosts(letter),
        items=_items(letter),
        valid_from=letter.valid_from,
        valid_until=letter.valid_to,
        hours="每日0时至24时",
        source_addresses=_sources(),
        duty_contact=letter.contact_name,
        duty_phone=letter.contact_phone,
        stop="我单位要求停止检测的，在平台点击“撤回授权”立即停止，或者电话通知检测单位，"
        "检测单位接到电话后立即停止。",
        verification=verification,
    )


def _hosts(letter: Authorization) -> tuple[paper.AuthorizedHost, ...]:
    system = letter.system
    domains = {domain.name for domain in system.domains.all()}
    services: dict[str, list[str]] = {}
    for endpoint in system.endpoints.all():
        words = services.setdefault(endpoint.host.lower(), [])
        words.append(_SERVICES[EndpointKind(endpoint.kind)])
    return tuple(
        paper.AuthorizedHost(
            system=system.name,
            host=u_label(host),
            services="；".join([*([_DOMAIN] if host in domains else []), *services.get(host, [])])
            or "常规观测的各端口",
            operator=_operator(system, host),
        )
        for host in letter.host_list
    )


def _operator(system: MailSystem, host: str) -> str:
    if system.shared_host:
        return system.platform_name or system.maker or "服务商或上级平台"
    return "邮件服务商" if is_provider_host(host) else "本单位"


def _items(letter: Authorization) -> tuple[paper.AuthorizedItem, ...]:
    ticked = set(letter.items.split(","))
    return tuple(
        paper.AuthorizedItem(label=str(item.label), detail=item.detail, allowed=item in ticked)
        for item in AuthorizationItem
    )


def _sources() -> tuple[str, ...]:
    addresses = tuple(settings.SCAN_SOURCE_ADDRESSES)
    if addresses:
        return addresses
    if settings.PRODUCTION:
        raise Incomplete("平台未配置检测来源地址（SCAN_SOURCE_ADDRESSES），授权书无法生成。")
    return ("127.0.0.1（演练靶场）",)
