"""Pages and documents for `make bench`, inside Django and on the database copy it was given."""

import statistics
import time
from collections.abc import Callable

import django

django.setup()

from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402

from accounts.models import User  # noqa: E402
from accounts.roles import Role  # noqa: E402
from rectification.models import Notice  # noqa: E402
from reports.actions import PREVIEW  # noqa: E402
from reports.mapping.notice import notice_paper  # noqa: E402
from reports.paper import documents  # noqa: E402
from tools.common import ToolError, main_guard, say  # noqa: E402

PAGES = ("dashboards:home", "inventory:unit_list", "rectification:finding_list")
WARM_UP = 3
ROUNDS = 15
DOCUMENT_ROUNDS = 5


def median_ms(act: Callable[[], object], rounds: int) -> float:
    """The median time of an act in milliseconds, after some rounds that do not count."""
    for _ in range(WARM_UP):
        act()
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        act()
        times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1000


def main(_arguments: list[str]) -> int:
    officer = User.objects.filter(memberships__role=Role.CASE_OFFICER, is_active=True).first()
    notice = Notice.objects.exclude(number="").order_by("pk").first()
    if officer is None or notice is None:
        raise ToolError(
            "演示数据不完整（没有承办人或通知书），请执行 make demo-reset 后再 make run。"
        )
    client = Client()
    client.force_login(officer, backend="django.contrib.auth.backends.ModelBackend")
    for name in PAGES:
        address = reverse(name)

        def fetch(address: str = address) -> None:
            status = client.get(address).status_code
            if status != 200:
                raise ToolError(f"页面 {address} 返回 {status}")

        say(f"页面 {address}：{median_ms(fetch, ROUNDS):.0f} 毫秒")

    def render() -> bytes:
        return documents.notice(notice_paper(notice, PREVIEW)).pdf()

    size = len(render()) / 1024
    say(f"文书 限期整改通知书（{size:.0f} KB）：{median_ms(render, DOCUMENT_ROUNDS):.0f} 毫秒")
    return 0


if __name__ == "__main__":
    main_guard(main)
