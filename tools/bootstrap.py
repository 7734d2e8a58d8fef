"""Bring a fresh machine to the point where the portal starts; a second call does nothing.

`python3 -m tools.bootstrap` prepares to run, with `--dev` also to check and to test.
"""

from tools import environment, fonts, frontend, system
from tools.common import main_guard, waiting_turn


def bootstrap(*, dev: bool, tests: bool = False) -> None:
    """Install what is missing: system packages, Python packages, front-end files, fonts.

    Arguments: dev (also the development tools), tests (also browser, PostgreSQL and Redis).
    Raises ToolError with what to type when something must be done by an administrator.
    """
    # Two calls at once (two terminals, a test beside a start) must not fill one environment.
    with waiting_turn("bootstrap"):
        system.ensure(system.TO_RUN + (system.TO_TEST if tests else []))
        environment.ensure(dev=dev)
        frontend.ensure()
        fonts.ensure()


def main(arguments: list[str]) -> int:
    bootstrap(dev="--dev" in arguments, tests="--tests" in arguments)
    return 0


if __name__ == "__main__":
    main_guard(main)
