"""`python -m scans.probes`: no Django, one line a domain whatever it is, documented exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from scans.probes.__main__ import main

NOWHERE = ["--resolver", "127.0.0.1:1", "--no-discover"]  # nothing answers there


@pytest.mark.parametrize(
    ("domain", "name", "reason"),
    [
        ("Example.TEST.", "example.test", "refused"),
        ("邮件示例。test", "xn--5nqzn608hevt.test", "refused"),
        ("\uff41.test", "a.test", "refused"),
        ("", "", "bad_name"),
        ("a b.test", "a b.test", "bad_name"),
        ("a\u202eb.test", "a\u202eb.test", "bad_name"),
        ("<script>.test", "<script>.test", "bad_name"),
        ("http://x.test/", "http://x.test/", "bad_name"),
    ],
)
def test_every_text_gets_its_line_and_is_never_called_nonconforming(
    capsys: pytest.CaptureFixture[str], domain: str, name: str, reason: str
) -> None:
    assert main([domain, "--json", *NOWHERE]) == 0
    [line] = capsys.readouterr().out.splitlines()
    said = json.loads(line)
    assert list(said) == ["domain", "observations", "verdicts", "started", "finished"]
    assert said["domain"] == name
    assert said["observations"][0]["value"]["reason"] == reason
    assert {v["result"] for v in said["verdicts"]} <= {"unknown", "not_applicable"}


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["a.test", "--resolver", "ns.example"],
        ["a.test", "--with", "smtp.data"],
        ["a.test", "--policy", "/no/such/file"],
        ["a.test", "--domains-file", "/no/such/file"],
        ["a.test", "--concurrency", "0"],
        ["a.test", "--endpoint", "ftp=a.test"],
    ],
)
def test_wrong_arguments_end_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2


def test_an_extra_that_is_only_reserved_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["a.test", "--with", "smtp.relay,host.ports", "--json", *NOWHERE]) == 0
    assert capsys.readouterr().err == "--with host.ports: a reserved name, not looked at yet\n"


def test_neither_django_nor_a_database_is_needed() -> None:
    bare = {
        k: v for k, v in os.environ.items() if not k.startswith(("DJANGO", "DATABASE", "EMAIL"))
    }
    code = (
        "import sys; from scans.probes.__main__ import main; "
        f"main(['a.test', '--json', *{NOWHERE!r}]); assert 'django' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], env=bare, check=True, capture_output=True)
