"""`make audit`: known vulnerabilities in what is locked, Python and front-end.

Fails when a vulnerability is known, and as well when a package could not be audited: an audit
that skipped something has not shown that it is clean.
"""

import json
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tools import environment, frontend
from tools.bootstrap import bootstrap
from tools.common import ROOT, VENV, ToolError, main_guard, say

LOCKS = (environment.LOCK, environment.DEV_LOCK, ROOT / "tools" / "requirements-node.txt")


def audit_python(lock: Path) -> list[str]:
    """The complaints about one hashed lock file: vulnerabilities and packages left out.

    Raises ToolError when the audit itself could not be made.
    """
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "audit.json"
        command = [str(VENV / "bin" / "pip-audit"), "--requirement", str(lock), "--disable-pip"]
        command += ["--require-hashes", "--format=json", f"--output={answer}"]
        command += ["--progress-spinner=off"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        # The exit code is 1 both for findings and for a failed audit; only an answer tells.
        if not answer.exists() or not answer.read_text().strip():
            raise ToolError(f"{lock.name} 未能审计：{why(done.stderr)}")
        report = json.loads(answer.read_text())
    return complaints(report)


_UNREACHED = re.compile(r"host='([^']+)'.*(?:Max retries exceeded|timed out)")


def why(output: str) -> str:
    """Why pip-audit has no answer, from what it wrote: a source out of reach, or its last line."""
    last = (output.strip() or "没有结果").splitlines()[-1]
    if not (unreached := _UNREACHED.search(last)):
        return last
    cause = "证书未通过验证" if "CERTIFICATE_VERIFY_FAILED" in last else "没有网络或不允许访问"
    return f"无法取得 {unreached[1]} 的漏洞数据（{cause}）"


def complaints(report: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Lines about pip-audit's JSON report: each known vulnerability, and all that was left out."""
    lines = []
    skipped = []
    for package in report["dependencies"]:
        if "skip_reason" in package:
            skipped.append(package["name"])
        for known in package.get("vulns", []):
            fixed = "、".join(known["fix_versions"]) or "尚无修复版本"
            lines.append(f"{package['name']} {package['version']}：{known['id']}，修复版本 {fixed}")
    if skipped:
        lines.append(f"{len(skipped)} 个包未能审计（软件源不提供漏洞数据）：{'、'.join(skipped)}")
    return lines


def audit_frontend() -> list[str]:
    """The complaints of `npm audit` about package-lock.json."""
    done = subprocess.run(
        [*frontend.npm(), "audit", "--package-lock-only", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        report = json.loads(done.stdout)
        known = report["vulnerabilities"]
    except (json.JSONDecodeError, KeyError):
        raise ToolError(
            "package-lock.json 未能审计：npm 没有给出结果（没有网络或软件源不提供漏洞数据）"
        ) from None
    return [f"{name}：{entry['severity']}" for name, entry in known.items()]


def main(_arguments: list[str]) -> int:
    bootstrap(dev=True)
    found: list[str] = []
    failed: list[str] = []
    audits = [(lock.name, lambda lock=lock: audit_python(lock)) for lock in LOCKS]
    for name, audit in [*audits, ("package-lock.json", audit_frontend)]:
        try:
            lines = audit()
        except ToolError as error:
            failed.append(str(error))
            continue
        found += [f"{name}：{line}" for line in lines]
        say(f"{name}：{'有问题' if lines else '无已知漏洞'}")
    if failed:
        failed.append(
            "未审计的部分不能视为没有漏洞；请在能访问漏洞数据的网络中重新执行 make audit。"
        )
    if found or failed:
        raise ToolError("\n".join([*found, *failed]))
    return 0


if __name__ == "__main__":
    main_guard(main)
