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


def test_filing_numbers():
    assert codes.filing_number("11010199001 21001") == "11010199001-21001"
    with pytest.raises(ValueError, match="11位加5位"):
        codes.filing_number("1101")
