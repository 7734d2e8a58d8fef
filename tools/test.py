"""`make test`: the whole suite on PostgreSQL, Redis, a real worker and a real browser.

ARGS="..." is passed on to pytest. CI=true or REQUIRE_SERVICES=1 makes a skipped test a failure.
"""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from tools import environment, system
from tools.bootstrap import bootstrap
from tools.common import ROOT, VAR, VENV, main_guard, only_one, say
from tools.services import NAME, services

CI_WORDS = {"1", "true", "yes"}


def suite_environment(folder: Path, given: dict[str, str]) -> dict[str, str]:
    """The environment of the suite: its services, a var folder of its own, the browser.

    Arguments: folder (removed after the run), given (DATABASE_URL and REDIS_URL).
    """
    var = folder / "var"
    var.mkdir()
    if (VAR / "fonts").is_dir():
        (var / "fonts").symlink_to(VAR / "fonts")
    env = {key: value for key, value in os.environ.items() if key not in _NOT_FOR_TESTS}
    env |= given
    env |= {
        "EMAILSEC_VAR_DIR": str(var),
        "EMAILSEC_VENV": str(VENV),
        "CELERY_QUEUE": f"{NAME}-test-{os.getpid()}",
        "PYTHONUNBUFFERED": "1",
    }
    if browser := system.chromium():
        env["CHROMIUM"] = browser
    if os.environ.get("CI", "").lower() in CI_WORDS:
        env.setdefault("REQUIRE_SERVICES", "1")
    return env


# A person's own settings for `make run` must not change what the suite proves.
_NOT_FOR_TESTS = {"EMAILSEC_ENV", "DEBUG", "SECRET_KEY", "ALLOWED_HOSTS", "PORT", "HOST"}
_NOT_FOR_TESTS |= {"PUBLIC_URL", "SCAN_POLICY_FILE", "PRACTICE_RANGE_FILE", "MAKEFLAGS", "MFLAGS"}


def pytest(
    arguments: list[str], *, workers: int = 4, on_line: Callable[[str], None] | None = None
) -> int:
    """Run pytest on the services; returns its exit code.

    Arguments: arguments (to pytest), workers (0 runs in one process), on_line (gets each line of
    the output instead of the terminal).
    Browser journeys share one worker (see tools/pytest_house.py): they share a broker and a range.
    """
    command = [str(environment.PYTHON), "-m", "pytest", "-p", "tools.pytest_house"]
    if workers:
        command += ["-n", str(workers)]
    busy = "这份检出的测试已在运行。"
    with (
        only_one("test", busy=busy),
        services() as given,
        tempfile.TemporaryDirectory(prefix="emailsec-test-") as name,
    ):
        env = suite_environment(Path(name), given)
        command += arguments
        if on_line is None:
            return subprocess.run(command, cwd=ROOT, env=env, check=False).returncode
        with subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                on_line(line.rstrip("\n"))
        return process.returncode


def main(arguments: list[str]) -> int:
    bootstrap(dev=True, tests=True)
    extra = [*shlex.split(os.environ.get("ARGS", "")), *arguments]
    say("正在运行全部测试……" if not extra else f"正在运行测试：{shlex.join(extra)}")
    return pytest(extra)


if __name__ == "__main__":
    main_guard(main)
