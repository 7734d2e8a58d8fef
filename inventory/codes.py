"""Check the codes that units type in: credit codes, filing numbers, domain names.

Each function returns the canonical form or raises ValueError with a Chinese text for the field.
All of them take what a Chinese input method makes of digits, letters and signs (see `narrow`).
"""

import ipaddress
import re
import unicodedata

import idna
from stdnum.cn import uscc

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
# First two characters (registering authority, kind of body) that go with a kind of unit; a
# mismatch is a hint, not an error. Source: GB 32100-2015 as summarised in docs/glossary.md.
EXPECTED_PREFIX = {
    "party": ("11", "13"),
    "government": ("11",),
    "institution": ("12",),
    "soe": ("91",),
    "assembly": ("11", "13", "81"),
}
#: More accounts than any system has; a mistyped number is told, not stored.
MOST_ACCOUNTS = 10_000_000
_FILING = re.compile(r"(\d{11})-?(\d{5})")
_SELECTOR = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_PHONE = re.compile(r"[0-9+][0-9\- ]{4,24}")
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−", "-"))


def opening(text: str) -> str:
    """Return `text`; raises ValueError (Chinese) where a spreadsheet would read it as a formula.

    Lists are exported, and a name must stand in them as it was typed: it is refused, not altered.
    """
    if text[:1] in set("=+-@"):
        raise ValueError("不能以 = + - @ 开头，表格软件会当作公式；请改正后再填。")
    return text


def title(text: str) -> str:
    """Return `text`, a name that stands in headings, letters and workbooks.

    Raises:
        ValueError: it reads as a formula, or has < > or a control character (Chinese).
    """
    if set("<>") & set(text):
        raise ValueError("不能含有 < 或 >，需要书名号的请用《》。")
    if any(unicodedata.category(c) == "Cc" for c in text):
        raise ValueError("含有看不见的控制字符，请删去后重新填写。")
    return opening(text)


def narrow(text: str) -> str:
    """Return `text` with full-width digits, letters and signs in ASCII, trimmed (Unicode NFKC).

    Invisible characters, which a copied text brings along, are left out. For codes only: a name
    keeps its full-width brackets.
    """
    seen = "".join(c for c in text if unicodedata.category(c) != "Cf")
    return unicodedata.normalize("NFKC", seen).translate(_DASHES).strip()


def credit_code(text: str) -> str:
    """Return the canonical 18-character unified social credit code (GB 32100-2015).

    `stdnum.cn.uscc.validate` wants digits in positions 1 and 2 too and so refuses the lawful
    codes that start with A, N or Y; only its check-character formula is used here.
    """
    code = re.sub(r"[\s\-]", "", narrow(text)).upper()
    if len(code) != 18:
        raise ValueError(f"统一社会信用代码应为18位，现为{len(code)}位。")
    if bad := sorted(set(code) - set(_ALPHABET)):
        raise ValueError(f"含有不允许的字符“{'、'.join(bad)}”；代码不使用字母 I、O、S、V、Z。")
    if not code[2:8].isdigit():
        raise ValueError("第3至8位应为登记地行政区划数字代码。")
    expected = uscc.calc_check_digit(code[:17])
    if code[17] != expected:
        raise ValueError(f"校验码不正确：按前17位推算最后一位应为“{expected}”，请核对证书。")
    return code


def prefix_hint(code: str, kind: str) -> str:
    """Return a remark where the first two characters of a credit code do not suit the kind.

    Args:
        code: a canonical credit code.
        kind: a value of UnitKind.

    Returns:
        A Chinese sentence for the person, or "" where code and kind agree or nothing is known.
        A mismatch is lawful in rare cases, so it never stops a form.
    """
    expected = EXPECTED_PREFIX.get(kind)
    if not expected or code[:2] in expected:
        return ""
    return (
        f"统一社会信用代码以“{code[:2]}”开头，与所选单位类型通常的“{'”或“'.join(expected)}”不同，"
        "请再核对一次；确认无误的不必修改。"
    )


def filing_number(text: str) -> str:
    """Return the 等保 filing number as `11 digits-5 digits`."""
    match = _FILING.fullmatch(re.sub(r"\s", "", narrow(text)))
    if not match:
        raise ValueError("备案证明编号应为11位加5位数字，例如 11010199001-21001。")
    return f"{match[1]}-{match[2]}"


def domain_name(text: str) -> str:
    """Return the A-label form of a mail domain (IDNA 2008), without trailing dot."""
    name = narrow(text).replace("。", ".").rstrip(".").lower()
    if len(name) > 253:
        raise ValueError(f"域名最长253个字符，现为{len(name)}个。")
    if "@" in name:
        raise ValueError("请只填写域名部分，不含“@”及其左边的账号名。")
    if "/" in name or ":" in name:
        raise ValueError("请填写域名，不是网址：去掉“http://”、端口和路径。")
    try:
        ascii_name = idna.encode(name, uts46=True).decode()
    except idna.IDNAError:
        raise ValueError(f"“{text.strip()}”不是有效的域名，请核对。") from None
    labels = ascii_name.split(".")
    if len(labels) < 2:
        raise ValueError("请填写完整域名，例如 example.gov.cn。")
    if re.fullmatch(r"[\d.]+", ascii_name):
        raise ValueError("请填写域名，不是 IP 地址。")
    if len(ascii_name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"“{text.strip()}”不是有效的域名：每段只能含字母、数字和连字符。")
    return ascii_name


def host_name(text: str) -> str:
    """Return the A-label form of a server name; the same rules as a domain."""
    return domain_name(text)


def division(text: str) -> str:
    """Return a division code (GB/T 2260) of six digits."""
    code = narrow(text)
    if not re.fullmatch(r"[0-9]{6}", code):
        raise ValueError("行政区划代码应为六位数字。")
    return code


def phone(text: str) -> str:
    """Return a telephone number: digits, spaces and hyphens, perhaps a leading plus."""
    number = narrow(text)
    if len(number) > 25:
        raise ValueError(f"电话最多25位，现为{len(number)}位；请只填一个号码。")
    if not _PHONE.fullmatch(number):
        raise ValueError("电话只能含数字、空格和连字符，例如 0000-1234567。")
    return number


# Kinds that people enter by mistake; whatever else is special is called 保留地址.
_SPECIAL = tuple(
    (ipaddress.ip_network(net), words)
    for words, nets in (
        ("内网地址", ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")),
        ("本机（环回）地址", ("127.0.0.0/8", "::1/128")),
        ("运营商内部的共享地址", ("100.64.0.0/10",)),
        ("链路本地地址", ("169.254.0.0/16", "fe80::/10")),
    )
    for net in nets
)


def public_address(text: str) -> str:
    """Return an IP address that can be reached from the Internet (IANA special-purpose registries).

    A v4-mapped address counts as the IPv4 address inside it.
    """
    try:
        address = ipaddress.ip_address(narrow(text).replace("。", "."))
    except ValueError:
        raise ValueError("请填写一个 IPv4 或 IPv6 地址。") from None
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_global and not address.is_multicast:
        return str(address)
    nets = (words for net, words in _SPECIAL if net.version == address.version and address in net)
    raise ValueError(
        f"{address} 是{next(nets, '保留地址')}，从互联网访问不到；"
        "请填写对外服务的公网 IP，不知道的空着。"
    )


def dkim_selectors(text: str) -> str:
    """Return DKIM selectors (RFC 6376, 3.1) in lower case, joined by commas.

    Commas of both widths, semicolons, 、 and line ends separate them in the input. A blank does
    not: whether it parts two selectors or slipped into one, only the writer knows.
    """
    parts = re.split(r"[\n,，;；、]", narrow(text).lower())
    found = [s for part in parts if (s := part.strip())]
    for selector in found:
        if re.search(r"\s", selector):
            raise ValueError(f"“{selector}”中间有空格；多个选择器请用逗号隔开。")
        if not all(_SELECTOR.fullmatch(label) for label in selector.split(".")):
            raise ValueError(
                f"“{selector}”不是有效的选择器；请填写“选择器._domainkey.域名”中最前面的一段。"
            )
    joined = ",".join(dict.fromkeys(found))
    if len(joined) > 200:
        raise ValueError("选择器合计不超过200个字符；请只填正在使用的。")
    return joined


def u_label(ascii_name: str) -> str:
    """Return the name as a person reads it (U-label); the input where it cannot be decoded."""
    try:
        return idna.decode(ascii_name)
    except idna.IDNAError:
        return ascii_name
