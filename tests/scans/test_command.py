"""`manage.py scan`: the fixed JSON line, and no domain without a letter."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from audit.models import AuditEvent
from inventory.models import MailDomain
from scans.models import ScanRun
from tests.scans.conftest import file_letter

pytestmark = pytest.mark.django_db


def scan(*args, **options):
    out, err = StringIO(), StringIO()
    code = 0
    try:
        call_command("scan", *args, stdout=out, stderr=err, **options)
    except SystemExit as end:
        code = end.code
    return code, out.getvalue(), err.getvalue()


def test_one_json_line_a_domain_and_nothing_stored(world, practice):
    file_letter(world.system_a)
    code, out, _ = scan("jia.gov.test", json=True)
    [line] = out.splitlines()
    said = json.loads(line)
    assert code == 0
    assert set(said) == {"domain", "observations", "verdicts", "started", "finished"}
    assert said["domain"] == "jia.gov.test"
    assert {v["rule"] for v in said["verdicts"]} >= {"spf.policy", "cert.valid"}
    assert not ScanRun.objects.exists()
    assert AuditEvent.objects.get(action="scan.command").result == "ok"


def test_a_whole_system_in_words(world, practice):
    MailDomain.objects.create(system=world.system_a, name="control.test")
    file_letter(world.system_a)
    code, out, _ = scan(system=world.system_a.pk)
    assert code == 0
    assert "jia.gov.test\n" in out
    assert "control.test\n" in out
    assert "不符合　未查询到 DMARC 记录" in out


@pytest.mark.parametrize(
    ("name", "why"),
    [("jia.gov.test", "没有有效的《远程检测授权书》"), ("fremd.test", "没有登记")],
)
def test_without_a_letter_exit_code_2_and_no_packet(world, practice, name, why):
    code, out, err = scan(name, json=True)
    assert (code, out) == (2, "")
    assert why in err
    assert practice.stats()["totals"]["connections"] == 0
    assert AuditEvent.objects.get(action="scan.command").result == "denied"


def test_a_domain_left_out_of_the_letter_is_refused(world, practice):
    MailDomain.objects.create(system=world.system_a, name="silent.test")
    file_letter(world.system_a, hosts=["silent.test"])
    code, _, err = scan("jia.gov.test")
    assert code == 2
    assert "没有列明此域名" in err


@pytest.mark.parametrize("args", [(), ("http://x.test/",), ("a b",)])
def test_what_is_no_domain_is_said_in_chinese(world, args):
    with pytest.raises(CommandError, match=r"[一-鿿]"):
        call_command("scan", *args)


def test_an_unknown_system_is_said(world):
    with pytest.raises(CommandError, match="没有编号为 999999"):
        call_command("scan", system=999999)
