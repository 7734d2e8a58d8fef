"""The one rule of what may be probed."""

import datetime as dt

import pytest

from emailsec.lib.workdays import today
from scans.models import Authorization
from scans.permission import Permission, is_provider_host, may_probe
from tests.scans.conftest import file_letter

pytestmark = pytest.mark.django_db


def refusal(system, code):
    said = may_probe(system)
    assert not said.allowed
    assert said.code == code
    assert said.reason.endswith("。")
    assert said.advice.endswith("。")
    return said


def test_no_letter_no_probe(world):
    refusal(world.system_a, "none")


def test_a_draft_is_not_a_permission(world):
    letter = file_letter(world.system_a)
    Authorization.objects.filter(pk=letter.pk).update(status="draft")
    assert refusal(world.system_a, "draft").letter == letter


def test_a_letter_holds_from_its_first_to_its_last_day(world):
    letter = file_letter(world.system_a, starts=1, days=10)
    refusal(world.system_a, "not_yet")
    assert may_probe(world.system_a, letter.valid_from).allowed
    assert may_probe(world.system_a, letter.valid_to).allowed
    after = may_probe(world.system_a, letter.valid_to + dt.timedelta(days=1))
    assert (after.allowed, after.code) == (False, "expired")


def test_a_void_letter_is_as_none(world):
    letter = file_letter(world.system_a)
    Authorization.objects.filter(pk=letter.pk).update(status="void")
    refusal(world.system_a, "none")


def test_the_office_may_forbid_probing_whatever_the_letter_says(world):
    file_letter(world.system_a)
    world.system_a.no_active_probe = True
    refusal(world.system_a, "no_active_probe")


def test_a_retired_system_is_left_alone(world):
    file_letter(world.system_a)
    world.system_a.retired_on = today()
    refusal(world.system_a, "retired")
    world.system_a.retired_on = today() + dt.timedelta(days=1)
    assert may_probe(world.system_a).allowed


def test_another_systems_letter_does_not_count(world):
    file_letter(world.system_b)
    refusal(world.system_a, "none")


def test_extras_only_with_the_ticked_item(world):
    file_letter(world.system_a)
    said = may_probe(world.system_a)
    assert isinstance(said, Permission)
    assert said.extras == frozenset()
    file_letter(world.system_a, items="ordinary,smtp.relay")
    assert may_probe(world.system_a).extras == {"smtp.relay"}


@pytest.mark.parametrize("mode", ["public_cloud", "shared", "hosted"])
def test_no_extras_on_a_shared_host(world, mode):
    file_letter(world.system_a, items="ordinary,smtp.relay")
    world.system_a.build_mode = mode
    said = may_probe(world.system_a)
    assert (said.allowed, said.extras) == (True, frozenset())
    assert said.withheld


def test_no_extras_where_a_named_host_is_a_providers(world):
    named = ["jia.gov.test", "mxbiz1.qq.com"]
    file_letter(world.system_a, hosts=named, items="ordinary,smtp.relay")
    said = may_probe(world.system_a)
    assert said.extras == frozenset()
    assert "mxbiz1.qq.com" in said.withheld


def test_provider_names_match_whole_labels_only():
    assert is_provider_host("mxbiz1.qq.com")
    assert is_provider_host("MX2.QIYE.ALIYUN.COM.")
    assert not is_provider_host("mail.notqq.com")


def test_the_answer_costs_one_query_and_none_when_prefetched(world, django_assert_num_queries):
    file_letter(world.system_a)
    with django_assert_num_queries(1):
        may_probe(world.system_a)
