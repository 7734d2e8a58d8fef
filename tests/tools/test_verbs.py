"""The Makefile and what its smaller verbs judge: locks, audit, main line, help."""

import json
import re
import subprocess

import pytest

from tests.tools.common import ROOT
from tools import audit, common, main_line, show_access, show_audit


@pytest.mark.parametrize(
    "lock", ["requirements.txt", "requirements-dev.txt", "tools/requirements-node.txt"]
)
def test_python_locks_pin_and_hash_everything_and_name_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    requirements = [line for line in text.splitlines() if not line.startswith(" ")]
    assert requirements
    for line in requirements:
        assert re.match(r"[a-z0-9.\-]+==\S+", line), line
        assert line.endswith("\\"), line


def test_front_end_lock_names_no_address() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())
    for name, package in lock["packages"].items():
        assert "resolved" not in package
        assert not name or package["integrity"].startswith("sha512-")


def test_help_tells_every_target() -> None:
    text = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert phony is not None
    shown = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert set(re.findall(r"make (\S+)", shown)) == set(phony[1].split()) - {"python"}


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_pages_link_to_what_exists(page: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / page).read_text())
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_ci_runs_what_the_readme_says() -> None:
    script = (ROOT / ".ci" / "run").read_text().strip().splitlines()
    assert script[-1] == "exec make test"
    assert "make test " in (ROOT / "README.md").read_text()


def test_an_old_python_is_told() -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", "run", "PYTHON=/bin/false"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "需要 Python 3.11" in done.stderr


def test_audit_counts_what_it_skipped_as_a_failure() -> None:
    report = {
        "dependencies": [
            {"name": "sound", "version": "1", "vulns": []},
            {
                "name": "unsound",
                "version": "2",
                "vulns": [{"id": "CVE-2026-1", "fix_versions": ["2.1"]}],
            },
            {"name": "unknown", "skip_reason": "not found"},
        ]
    }
    lines = audit.complaints(report)
    assert len(lines) == 2
    assert "unsound 2：CVE-2026-1，修复版本 2.1" in lines
    assert "1 个包未能审计" in lines[1]
    assert "unknown" in lines[1]


def test_audit_says_in_short_why_it_has_no_answer() -> None:
    refused = (
        "noise\nrequests.exceptions.SSLError: HTTPSConnectionPool(host='data.test', port=443): Max "
        "retries exceeded with url: /x (Caused by SSLError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] no"
    )
    assert audit.why(refused) == "无法取得 data.test 的漏洞数据（证书未通过验证）"
    unknown = "HTTPSConnectionPool(host='data.test', port=443): Max retries exceeded with url: /"
    assert audit.why(unknown) == "无法取得 data.test 的漏洞数据（没有网络或不允许访问）"
    assert audit.why("a\nERROR: bad hash\n") == "ERROR: bad hash"
    assert audit.why("") == "没有结果"


def test_main_line_figures_are_complete_or_a_failure() -> None:
    line = "steps=51 pdfs=5 users=5 seconds=48"
    assert main_line.figures(["...", line, "1 passed in 50 s"]) == line
    for wrong in (
        "1 passed",
        line.replace("steps=51", "steps=50"),
        line.replace("pdfs=5", "pdfs=4"),
        line.replace("users=5", "users=4"),
    ):
        with pytest.raises(common.ToolError):
            main_line.figures([wrong])
    assert (ROOT / main_line.JOURNEY).is_file()


def test_audit_figures_are_equal_or_a_failure() -> None:
    line = "tampered=45 found=45"
    assert show_audit.figures(["改动对象：……", line, "1 passed in 5 s"]) == line
    for wrong in ("1 passed", "tampered=45 found=44", "tampered=1 found=1"):
        with pytest.raises(common.ToolError):
            show_audit.figures([wrong])
    assert (ROOT / show_audit.SHOW.partition("::")[0]).is_file()


def test_access_figures_are_complete_or_a_failure() -> None:
    halves = ["routes=60 roles=20 cases=3000 leaks=0", "routes=70 roles=21 cases=4000 leaks=0"]
    asked = "property cases=10000 from world 7"
    assert show_access.figures([*halves, asked]) == "routes=130 roles=21 cases=17000 leaks=0"
    leaking = halves[0].replace("leaks=0", "leaks=1")
    few = "property cases=200 from world 7"
    for wrong in (halves, [asked], [halves[0], asked], [*halves, few], [leaking, halves[1], asked]):
        with pytest.raises(common.ToolError):
            show_access.figures(wrong)
    assert (ROOT / show_access.TESTS).is_dir()
