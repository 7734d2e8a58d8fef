"""An afternoon of the 审计管理员: from one line to all about it, to the export, to the proof."""

import io

import openpyxl
import pytest
from django.test import Client
from django.urls import reverse

from audit import sealing
from audit.actions import watch
from audit.models import AuditEvent
from tests.world import PASSWORD

pytestmark = pytest.mark.django_db


def test_the_audit_officer_follows_a_stranger(world, settings):
    stranger, officer, auditor = Client(), Client(), Client()
    stranger.post(reverse("accounts:login"), {"username": "filler", "password": "Falsch-2026"})
    officer.force_login(world.officer)
    officer.get(reverse("inventory:unit_detail", args=[world.unit_a.pk]))
    officer.get(reverse("inventory:unit_detail", args=[world.unit_b.pk]))
    sealing.seal()
    auditor.force_login(world.audit_admin)

    # By result: who was refused, and who failed to get in.
    trail = reverse("audit:list")
    denied = list(auditor.get(trail, {"result": "denied"}).context["page"])
    assert [e.object_label for e in denied] == [f"台账：/inventory/units/{world.unit_b.pk}/"]
    [failed] = auditor.get(trail, {"result": "failed"}).context["page"]
    assert failed.action == "account.login_failed"

    # From that line to its page, and on to everything from the same address.
    page = auditor.get(reverse("audit:detail", args=[failed.pk]))
    link = f"{trail}?address={failed.address}"
    assert link in page.content.decode()
    assert failed in list(auditor.get(link).context["page"])

    # All about the unit: who has read it.
    about = {"kind": "inventory.unit", "key": world.unit_a.pk}
    assert [e.action for e in auditor.get(trail, about).context["page"]] == ["unit.read"]

    # What is exported is what is shown, and the export is on the trail.
    answer = auditor.get(reverse("audit:export"), about)
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
    assert world.unit_a.name in str(list(sheet.values))
    export = AuditEvent.objects.get(action="list.export")
    assert export.details["filters"] == {"对象类别": "单位", "对象编号": str(world.unit_a.pk)}

    # And the whole trail holds.
    auditor.post(reverse("audit:verify"))
    watch()
    shown = auditor.get(reverse("audit:chain")).content.decode()
    assert "没有发现改动、缺失或调换" in shown
    assert PASSWORD not in shown
