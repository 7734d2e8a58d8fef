import pytest

from inventory import codes


@pytest.mark.parametrize(
    "text",
    ["11370100004188888K", "91110000600037341L", " 9111 0000 6000 3734 1l ", "91110000-600037341L"],
)
def test_a_right_credit_code_is_made_canonical(text):
    assert codes.credit_code(text) in {"11370100004188888K", "91110000600037341L"}


@pytest.mark.parametrize("start", ["A1", "N2", "Y1"])
def test_codes_of_the_registries_a_n_and_y_are_lawful(start):
    from stdnum.cn.uscc import calc_check_digit

    body = f"{start}110000600037341"
    assert codes.credit_code(body + calc_check_digit(body)) == body + calc_check_digit(body)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("12345", "应为18位，现为5位"),
        ("11370100004188888A", "最后一位应为“K”"),
        ("1137010000418888OK", "不允许的字符“O”"),
        ("1137O100004188888K", "不允许的字符“O”"),
        ("11A70100004188888K", "第3至8位"),
        ("", "应为18位"),
    ],
)
def test_a_wrong_credit_code_says_what_is_wrong(text, says):
    with pytest.raises(ValueError, match=says):
        codes.credit_code(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Example.GOV.cn.", "example.gov.cn"),
        ("邮件示例.test", "xn--fiqw7gymp0w3d.test"),
        ("a。b。cn", "a.b.cn"),
    ],
)
def test_domains_are_stored_as_a_labels(text, name):
    if text.startswith("邮"):
        assert codes.u_label(codes.domain_name(text)) == text
    else:
        assert codes.domain_name(text) == name


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a@b.cn", "不含“@”"),
        ("http://b.cn/x", "不是网址"),
        ("localhost", "完整域名"),
        ("10.0.0.1", "不是 IP"),
        ("-a.cn", "不是有效的域名"),
        ("a_b.cn", "不是有效的域名"),
        ("a..cn", "不是有效的域名"),
        ("x" * 64 + ".cn", "不是有效的域名"),
    ],
)
def test_a_wrong_domain_says_what_is_wrong(text, says):
    with pytest.raises(ValueError, match=says):
        codes.domain_name(text)


def test_a_blank_parts_no_selectors():
    assert codes.dkim_selectors("s1, s2;\ns3；") == "s1,s2,s3"
    with pytest.raises(ValueError, match="“a b”中间有空格"):
        codes.dkim_selectors("a b;")


@pytest.mark.parametrize("text", ["=a", "+1", "-1", "@a"])
def test_a_name_that_a_spreadsheet_would_compute_is_refused(text):
    with pytest.raises(ValueError, match="不能以 = "):
        codes.opening(text)
    assert codes.opening("a=1") == "a=1"


def test_filing_numbers():
    assert codes.filing_number("11010199001 21001") == "11010199001-21001"
    with pytest.raises(ValueError, match="11位加5位"):
        codes.filing_number("1101")


@pytest.mark.parametrize(
    ("check", "typed", "kept"),
    [
        (codes.credit_code, "１１３７　０１００００４１８８８８８ｋ", "11370100004188888K"),
        (codes.credit_code, "\ufeff11370100004188888K\u200b", "11370100004188888K"),
        (codes.filing_number, "１１０１０１９９００１－２１００１", "11010199001-21001"),
        (codes.filing_number, "11010199001—21001", "11010199001-21001"),
        (codes.domain_name, " ｊｉａ．ｇｏｖ．ｃｎ ", "jia.gov.cn"),
        (codes.dkim_selectors, "Ｓ１，ｓ２", "s1,s2"),
        (codes.phone, "０９９１－２２０００００", "0991-2200000"),
        (codes.phone, "＋86 139 0000 0000", "+86 139 0000 0000"),
        (codes.division, "３７０１００", "370100"),
        (codes.public_address, "８．８．８．８", "8.8.8.8"),
        (codes.public_address, "2400:3200::1", "2400:3200::1"),
    ],
)
def test_full_width_digits_letters_and_signs_are_made_narrow(check, typed, kept):
    assert check(typed) == kept


def test_a_name_keeps_its_full_width_brackets_but_a_code_does_not():
    assert codes.narrow("（０９９１）") == "(0991)"
    with pytest.raises(ValueError, match="只能含数字"):
        codes.phone("（０９９１）2200000")


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("10.0.0.1", "内网地址"),
        ("172.16.9.9", "内网地址"),
        ("１９２．１６８．１．１", "内网地址"),
        ("fd00::1", "内网地址"),
        ("::ffff:10.0.0.1", "内网地址"),
        ("127.0.0.1", "本机（环回）地址"),
        ("::1", "本机（环回）地址"),
        ("100.64.0.1", "运营商内部的共享地址"),
        ("169.254.1.1", "链路本地地址"),
        ("fe80::1", "链路本地地址"),
        ("224.0.0.1", "保留地址"),
        ("192.0.2.1", "保留地址"),
        ("0.0.0.0", "保留地址"),
        ("255.255.255.255", "保留地址"),
    ],
)
def test_an_address_that_nobody_outside_reaches_is_no_public_one(address, kind):
    with pytest.raises(ValueError, match=f"是{kind}，从互联网访问不到"):
        codes.public_address(address)


@pytest.mark.parametrize("text", ["1.2.3", "mx.jia.cn", "8.8.8.8:25", "1.2.3.4/24", ""])
def test_what_is_no_address_is_told(text):
    with pytest.raises(ValueError, match="请填写一个 IPv4 或 IPv6 地址"):
        codes.public_address(text)
