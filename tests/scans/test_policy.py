"""Production refuses whatever would turn the target guard off."""

from pathlib import Path

import pytest
from django.conf import settings as live

from scans.models import ScanRun, Wave
from scans.policy import PolicyRefused, outside, scan_policy
from scans.tasks import drain_due
from tests.scans.conftest import file_letter

REAL = str(Path(live.BASE_DIR) / "scans" / "policy.toml")


def test_the_range_gives_resolver_network_port_map_and_root(practice):
    way = outside()
    assert way.resolver == practice.resolver
    assert way.allow_net == (practice.net,)
    assert way.port_map == practice.port_map
    assert way.ca_file == practice.ca_file
    assert way.control == "control.test"


def test_production_refuses_the_practice_policy(settings):
    settings.PRODUCTION = True
    settings.PRACTICE_RANGE_FILE = ""
    with pytest.raises(PolicyRefused, match="演练靶场的探测策略"):
        outside()


def test_production_refuses_a_range_file(settings, practice):
    settings.PRODUCTION = True
    settings.SCAN_POLICY_FILE = REAL
    with pytest.raises(PolicyRefused, match="正式环境不得指向演练靶场"):
        outside()


def test_production_refuses_to_start_without_control_hosts(settings):
    settings.PRODUCTION = True
    settings.SCAN_POLICY_FILE = REAL
    settings.PRACTICE_RANGE_FILE = ""
    with pytest.raises(PolicyRefused, match="自检对照域名"):
        outside()
    settings.SCAN_CONTROL_DOMAIN = "control.example.cn"
    way = outside()
    assert (way.allow_net, way.port_map, way.ca_file) == ((), None, None)
    assert way.policy.name == "production"


def test_a_real_policy_outside_production_ignores_the_range(settings, practice):
    settings.SCAN_POLICY_FILE = REAL
    assert outside().allow_net == ()


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_a_broken_range_file_is_said(settings, tmp_path, content):
    settings.PRACTICE_RANGE_FILE = str(tmp_path / "range.json")
    (tmp_path / "range.json").write_text(content)
    with pytest.raises(PolicyRefused, match="状态文件不可用"):
        outside()


def test_a_changed_policy_file_is_read_again(settings, tmp_path):
    import os

    path = tmp_path / "policy.toml"
    text = Path(REAL).read_text("utf-8")
    path.write_text(text, "utf-8")
    settings.SCAN_POLICY_FILE = str(path)
    assert scan_policy().wave.interval == 604800
    path.write_text(text.replace("interval = 604800", "interval = 86400"), "utf-8")
    os.utime(path, ns=(1, 1))
    assert scan_policy().wave.interval == 86400
    path.write_text(text + "\nunknown = 1\n", "utf-8")
    with pytest.raises(PolicyRefused, match="不可用"):
        scan_policy()


@pytest.mark.django_db
def test_a_look_without_the_range_fails_where_a_person_sees_it(world, settings, tmp_path):
    settings.PRACTICE_RANGE_FILE = str(tmp_path / "none.json")
    file_letter(world.system_a)
    drain_due()
    wave = Wave.objects.get()
    assert wave.status == "void"
    assert "演练靶场没有运行" in wave.problem
    assert set(ScanRun.objects.values_list("status", flat=True)) <= {"failed"}
    drain_due()
    assert Wave.objects.count() == 1
