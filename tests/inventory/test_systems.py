"""Registering and keeping a mail system, through its pages."""

import logging

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from inventory import actions
from inventory.models import Authority, MailDomain, MailSystem, Office, Supervision, UnitDomain
from tests.world import make_system

pytestmark = pytest.mark.django_db


def data(**changes):
    """What the form sends for a plain system with one domain."""
    fields = {
        "not_classified": "on",
        "networks": ["internet"],
        "name": "门户邮箱",
        "build_mode": "own_room",
        "grade": "0",
        "filing_state": "none",
        "domains-TOTAL_FORMS": "1",
        "domains-INITIAL_FORMS": "0",
        "domains-0-name": "post.jia.gov.test",
        "domains-0-dkim_selectors": "S1，s2",
        "endpoints-TOTAL_FORMS": "1",
        "endpoints-INITIAL_FORMS": "0",
        "endpoints-0-kind": "imap",
        "endpoints-0-host": "",
        "endpoints-0-address": "",
    }
    return fields | changes


@pytest.fixture
def page(client, world):
    """Log in 甲单位填报人; return a function that posts to the page of a new system."""
    client.force_login(world.filler)
    url = reverse("inventory:system_create", args=[world.unit_a.pk])

    def post(**changes):
        return client.post(url, data(**changes))

    return post


def errors(response):
    context = response.context
    found = dict(context["form"].errors)
    for rows in (context["domains"], context["endpoints"]):
        for row in rows.forms:
            found |= {f"{row.prefix}-{name}": text for name, text in row.errors.items()}
    return {name: " ".join(texts) for name, texts in found.items()}


def test_a_system_is_saved_with_its_domains_and_addresses_and_recorded(page, world):
    response = page(
        **{
            "networks": ["internet", "govnet"],
            "access_methods": ["webmail", "imap"],
            "accounts_total": "10",
            "accounts_active": "8",
            "accounts_idle": "2",
            "endpoints-0-host": "Imap.JIA.gov.test",
            "endpoints-0-address": "8.8.8.8",
        }
    )
    system = MailSystem.objects.get(name="门户邮箱")
    assert response.url == reverse("inventory:system_detail", args=[system.pk])
    assert system.unit == world.unit_a
    assert system.networks == "internet,govnet"
    assert system.access_labels == ["Webmail", "IMAP"]
    assert [(d.name, d.dkim_selectors) for d in system.domains.all()] == [
        ("post.jia.gov.test", "s1,s2")
    ]
    endpoint = system.endpoints.get()
    assert (endpoint.host, endpoint.address) == ("imap.jia.gov.test", "8.8.8.8")
    event = AuditEvent.objects.get(action="system.register")
    assert event.object_id == str(system.pk)
    assert event.actor_id == world.filler.pk


@pytest.mark.parametrize(
    "changes", [{"networks": ["internet", "classified"]}, {"not_classified": ""}]
)
def test_a_classified_network_stops_the_form_and_leaves_no_trace(page, world, caplog, changes):
    before = (MailSystem.objects.count(), AuditEvent.objects.count())
    with caplog.at_level(logging.DEBUG):
        response = page(name="某个不可说的名称", **changes)
    assert response.status_code == 422
    text = response.content.decode()
    assert "请停止填报" in text
    assert "保密行政管理部门" in text
    assert "某个不可说的名称" not in text
    assert "post.jia.gov.test" not in text
    assert "某个不可说的名称" not in caplog.text
    assert "no-store" in response["Cache-Control"]
    assert (MailSystem.objects.count(), AuditEvent.objects.count()) == before
    assert "某个不可说的名称" not in str(dict(response.client.session.items()))


def test_the_gate_also_stops_the_button_that_adds_a_row(page):
    assert page(add_row="domains", networks=["classified"]).status_code == 422


def test_the_stop_page_names_the_secrecy_office_of_the_unit(page, world):
    office = Office.objects.create(
        kind=Authority.SECRECY,
        name="甲市国家保密局",
        region=world.unit_a.region,
        phone="0000-7654321",
    )
    Supervision.objects.create(unit=world.unit_a, kind=office.kind, office=office)
    text = page(networks=["classified"]).content.decode()
    assert "甲市国家保密局" in text
    assert "0000-7654321" in text


def test_the_action_itself_refuses_an_unconfirmed_or_classified_system(world):
    for bad in ({"not_classified": False}, {"networks": "classified"}):
        fields = {"name": "x", "networks": "internet", "not_classified": True} | bad
        system = MailSystem(unit=world.unit_a, build_mode="own_room", **fields)
        with pytest.raises(actions.Refused, match="涉密"):
            actions.save_system(
                system=system, domains=[actions.DomainEntry("x.test")], by=world.filler
            )
        assert system.pk is None


def test_a_foreign_domain_is_refused_at_its_row_without_naming_anyone(page, world):
    response = page(
        **{
            "domains-TOTAL_FORMS": "2",
            "domains-1-name": "YI.edu.test",
        }
    )
    assert errors(response) == {
        "domains-1-name": "此域名已被登记，如有疑问请联系监管机关。",
    }
    text = response.content.decode()
    assert world.unit_b.name not in text
    assert 'value="门户邮箱"' in text  # nothing lost
    assert not MailSystem.objects.filter(name="门户邮箱").exists()


def test_a_domain_of_the_units_own_other_system_is_named(page):
    response = page(**{"domains-0-name": "jia.gov.test"})
    assert errors(response)["domains-0-name"] == "已登记在本单位的“邮件系统”中。"


def test_a_domain_twice_in_the_form(page):
    response = page(**{"domains-TOTAL_FORMS": "2", "domains-1-name": "post.jia.gov.TEST."})
    assert errors(response) == {"domains-1-name": "与第1行重复。"}


def test_an_idn_domain_is_stored_as_a_label_and_shown_as_a_person_reads_it(page, client):
    response = page(**{"domains-0-name": "邮件示例。test"})
    domain = MailDomain.objects.get(system__name="门户邮箱")
    assert domain.name == "xn--5nqzn608hevt.test"
    shown = client.get(response.url).content.decode()
    assert "邮件示例.test" in shown
    edit = client.get(reverse("inventory:system_edit", args=[domain.system_id]))
    assert 'value="邮件示例.test"' in edit.content.decode()
    again = page(name="另一个", **{"domains-0-name": "xn--5nqzn608hevt.test"})
    assert "domains-0-name" in errors(again)


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"domains-0-name": ""}, "domains-0-name", "请填写邮件域名，或移除这一行"),
        (
            {"domains-0-name": "", "domains-0-dkim_selectors": ""},
            "domains-0-name",
            "至少填写一个邮件域名",
        ),
        ({"domains-0-name": "a@b.cn"}, "domains-0-name", "不含“@”"),
        ({"domains-0-dkim_selectors": "好"}, "domains-0-dkim_selectors", "不是有效的选择器"),
        ({"endpoints-0-address": "8.8.8.8"}, "endpoints-0-host", "请填写主机名，或移除"),
        (
            {"endpoints-0-host": "a.test", "endpoints-0-address": "192.168.1.9"},
            "endpoints-0-address",
            "192.168.1.9 是内网地址，从互联网访问不到",
        ),
        (
            {"endpoints-0-host": "a.test", "endpoints-0-address": "1.2.3"},
            "endpoints-0-address",
            "IPv4 或 IPv6",
        ),
        ({"networks": []}, "networks", "必填"),
        ({"networks": ["moon"]}, "networks", "moon"),
        ({"name": "邮件系统"}, "name", "已有同名"),
        ({"accounts_total": "5", "accounts_active": "6"}, "accounts_active", "不能多于账号总数"),
        (
            {"accounts_total": "9", "accounts_active": "6", "accounts_idle": "7"},
            "accounts_idle",
            "不能多于在用",
        ),
        ({"accounts_active": "6"}, "accounts_total", "同时填写账号总数"),
        ({"accounts_total": "-1"}, "accounts_total", "0"),
        ({"started_on": "2999-01-01"}, "started_on", "不能晚于今天"),
        ({"maker_uscc": "12345"}, "maker_uscc", "应为18位"),
        ({"filing_state": "filed", "grade": "3"}, "filing_number", "请填写证明上的编号"),
        (
            {"filing_state": "filed", "grade": "3", "filing_number": "1"},
            "filing_number",
            "11位加5位",
        ),
        (
            {"filing_state": "filed", "grade": "0", "filing_number": "11010199001-21001"},
            "grade",
            "必然已经定级",
        ),
        ({"filing_state": "submitted", "grade": "1"}, "filing_state", "一级系统不需要备案"),
        ({"filing_number": "11010199001-21001"}, "filing_number", "备案情况应为"),
        ({"filing_state": "with_platform"}, "filing_state", "自建系统须由本单位备案"),
        (
            {"filing_state": "with_platform", "build_mode": "shared"},
            "platform_name",
            "请填写平台名称",
        ),
        ({"platform_name": "某平台"}, "platform_name", "不填平台名称"),
        (
            {
                "filing_state": "filed",
                "grade": "2",
                "filing_number": "11010199001-21001",
                "graded_on": "2024-06-30",
                "filed_on": "2024-06-29",
            },
            "filed_on",
            "不能早于定级日期",
        ),
    ],
)
def test_what_cannot_be_is_said_at_its_field(page, changes, field, says):
    response = page(**changes)
    assert response.status_code == 200
    assert says in errors(response)[field]
    assert not MailSystem.objects.filter(name="门户邮箱").exists()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"domains-TOTAL_FORMS": "250"}, "邮件域名：最多 100 行，请删去多余的。"),
        ({"endpoints-TOTAL_FORMS": "abc"}, "服务地址：页面内容不完整，请重新打开本页再填写。"),
        ({"name": "长" * 400}, "最多80个字，现为400个字。"),
        ({"maker": "企\x00业"}, "含有看不见的空字符，请删去后重新填写。"),
        ({"accounts_total": "9" * 12}, "不能大于 10000000。"),
        ({"accounts_total": "很多"}, "请填写整数，只用数字。"),
        ({"maker_phone": "1" * 30}, "电话最多25位，现为30位；请只填一个号码。"),
        ({"networks": ["月球"]}, "“月球”不在可选范围内，请重新选择。"),
        ({"networks": []}, "必填，请选择。"),
        ({"started_on": "去年"}, "请填写日期，例如 2026-11-24。"),
    ],
)
def test_what_is_too_much_or_no_value_at_all_is_told_in_plain_words(page, changes, says):
    response = page(**changes)
    assert response.status_code == 200
    assert says in response.content.decode()
    assert "maxlength" not in response.content.decode().split("<main", 1)[1]
    assert not MailSystem.objects.filter(name="门户邮箱").exists()


def test_codes_of_a_system_are_read_as_an_input_method_writes_them(page):
    sent = {
        "domains-0-name": "ｐｏｓｔ．jia．gov．test",
        "maker_uscc": "９１１１００００６０００３７３４１ｌ",
        "maker_phone": "０９９０－３３０００００",
        "filing_state": "filed",
        "grade": "3",
        "filing_number": "１１０１０１９９００１－２１００１",
        "endpoints-0-host": "ｍｘ.jia.gov.test",
        "endpoints-0-address": "８．８．８．８",
    }
    assert page(**sent).status_code == 302
    saved = MailSystem.objects.get(name="门户邮箱")
    assert saved.domains.get().name == "post.jia.gov.test"
    assert saved.maker_uscc == "91110000600037341L"
    assert saved.maker_phone == "0990-3300000"
    assert saved.filing_number == "11010199001-21001"
    endpoint = saved.endpoints.get()
    assert (endpoint.host, endpoint.address) == ("mx.jia.gov.test", "8.8.8.8")


def test_a_system_filed_with_its_platform(page):
    page(
        build_mode="public_cloud",
        filing_state="with_platform",
        platform_name="丙省政务邮箱平台",
        filing_number="1101019900121001",
    )
    assert MailSystem.objects.get(name="门户邮箱").filing_number == "11010199001-21001"


def test_rows_are_added_and_removed_without_a_script_and_nothing_is_lost(page):
    added = page(add_row="domains", accounts_active="6")
    assert added.context["domains"].total_form_count() == 2
    text = added.content.decode()
    assert 'value="post.jia.gov.test"' in text
    assert 'value="6"' in text
    assert "field-error" not in text  # asking for a row is no reason to complain
    dropped = page(
        **{
            "drop_row": "domains-0",
            "domains-TOTAL_FORMS": "3",
            "domains-1-name": "zwei.test",
            "domains-2-name": "drei.test",
        }
    )
    rows = dropped.context["domains"]
    assert [f["name"].value() for f in rows.forms] == ["zwei.test", "drei.test"]
    assert not MailSystem.objects.filter(name="门户邮箱").exists()


def test_editing_moves_domains_and_keeps_what_was_seen_of_them(client, world):
    client.force_login(world.filler)
    system = world.system_a
    url = reverse("inventory:system_edit", args=[system.pk])
    assert 'value="jia.gov.test"' in client.get(url).content.decode()
    client.post(url, data(name="邮件系统", **{"domains-0-name": "neu.test"}))
    assert [d.name for d in system.domains.all()] == ["neu.test"]
    old = MailDomain.ever.get(name="jia.gov.test")
    assert old.removed_on is not None
    client.post(url, data(name="邮件系统", **{"domains-0-name": "jia.gov.test"}))
    assert system.domains.get().pk == old.pk  # the same row came back
    event = AuditEvent.objects.filter(action="system.update").first()
    assert event.details["邮件域名"] == ["-neu.test", "+jia.gov.test"]


def test_saving_without_a_change_records_nothing(client, world):
    client.force_login(world.filler)
    url = reverse("inventory:system_edit", args=[world.system_a.pk])
    same = data(
        name="邮件系统",
        grade="2",
        started_on=world.system_a.started_on.isoformat(),
        **{"domains-0-name": "jia.gov.test", "domains-0-dkim_selectors": "s1"},
    )
    assert client.post(url, same).status_code == 302
    assert not AuditEvent.objects.filter(action="system.update").exists()


def test_a_domain_that_left_its_system_may_be_registered_elsewhere(page, world):
    actions.save_system(
        system=world.system_b, domains=[actions.DomainEntry("b2.test")], by=world.filler_b
    )
    assert page(**{"domains-0-name": "yi.edu.test"}).status_code == 302


def test_two_people_registering_one_domain_at_once(world):
    """What the form cannot see: the other one was faster between check and save."""
    system = MailSystem(
        unit=world.unit_a, name="x", build_mode="own_room", networks="internet", not_classified=True
    )
    with pytest.raises(actions.Refused, match="刚刚已被登记"):
        actions.save_system(
            system=system, domains=[actions.DomainEntry("yi.edu.test")], by=world.filler
        )
    assert not MailSystem.objects.filter(name="x").exists()


def test_a_retired_system_frees_its_domains_and_cannot_be_edited(client, world):
    client.force_login(world.filler)
    system = world.system_a
    url = reverse("inventory:system_retire", args=[system.pk])
    client.post(url, {"retired_on": "2024-06-30", "reason": "改用统一平台"})
    system.refresh_from_db()
    assert str(system.retired_on) == "2024-06-30"
    assert not system.domains.exists()
    detail = client.get(reverse("inventory:system_detail", args=[system.pk])).content.decode()
    assert "jia.gov.test" in detail
    assert "改用统一平台" in detail
    edit = client.get(reverse("inventory:system_edit", args=[system.pk]))
    assert edit.status_code == 302
    again = client.post(url, {"retired_on": "2024-06-30", "reason": "再来"}, follow=True)
    assert "已经停用" in again.content.decode()
    assert AuditEvent.objects.filter(action="system.retire").count() == 1


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("filler", 200),
        ("signer", 403),
        ("officer", 403),
        ("approver", 403),
        ("officer_province", 403),
        ("filler_b", 404),
        ("officer_b", 404),
        ("filler_provincial", 404),
        ("system_admin", 404),
        ("nobody", 404),
    ],
)
def test_who_may_register_and_edit(client, world, who, status):
    client.force_login(getattr(world, who))
    for name, pk in (
        ("system_create", world.unit_a.pk),
        ("system_edit", world.system_a.pk),
        ("system_retire", world.system_a.pk),
    ):
        url = reverse(f"inventory:{name}", args=[pk])
        assert client.get(url).status_code == status
        if status != 200:
            assert client.post(url, data()).status_code == status
    seen = 404 if status == 404 else 200
    assert (
        client.get(reverse("inventory:system_detail", args=[world.system_a.pk])).status_code == seen
    )
    assert not MailSystem.objects.filter(name="门户邮箱").exists()


def test_the_provincial_unit_in_the_city_stays_hidden_from_the_city(client, world):
    client.force_login(world.officer)
    url = reverse("inventory:system_detail", args=[world.system_provincial.pk])
    assert client.get(url).status_code == 404


def test_the_list_of_systems_filters_and_asks_a_fixed_number_of_times(
    client, world, django_assert_num_queries, django_assert_max_num_queries
):
    client.force_login(world.officer)
    url = reverse("inventory:system_list")
    for n in range(3):
        make_system(world.unit_a, f"s{n}.test", name=f"系统{n}")
    with django_assert_max_num_queries(20) as few:
        client.get(url)
    for n in range(3, 30):
        make_system(world.unit_a, f"s{n}.test", name=f"系统{n}", build_mode="shared", grade=3)
    with django_assert_num_queries(len(few)):
        response = client.get(url)
    assert "共 31 个" in response.content.decode()
    found = client.get(url, {"build_mode": "shared", "grade": "3", "q": "s2"})
    names = {s.name for s in found.context["page"]}
    assert names == {f"系统{n}" for n in range(20, 30)}
    assert {s.unit_id for s in response.context["page"]} == {world.unit_a.pk}


NEAR = "此名称在其他单位已登记域名之下，或是其上级域名；确由本单位使用的，请联系监管机关。"


@pytest.mark.parametrize("name", ["mail.yi.edu.test", "a.b.yi.edu.test"])
def test_a_name_under_another_units_domain_is_refused(page, name):
    response = page(**{"domains-0-name": name})
    assert errors(response) == {"domains-0-name": NEAR}
    assert not MailDomain.ever.filter(name=name).exists()


def test_a_name_above_or_under_what_another_unit_has_registered_is_refused(page, world):
    UnitDomain.objects.create(unit=world.unit_b, name="mail.bing.test")
    assert errors(page(**{"domains-0-name": "bing.test"})) == {"domains-0-name": NEAR}
    assert errors(page(**{"domains-0-name": "x.mail.bing.test"})) == {"domains-0-name": NEAR}
    assert page(**{"domains-0-name": "web.bing.test"}).status_code == 302


def test_a_public_suffix_is_nobodys_and_blocks_nobody(page, world):
    UnitDomain.objects.create(unit=world.unit_b, name="gov.test")
    UnitDomain.objects.create(unit=world.unit_b, name="gov.cn")
    assert "公共的域名后缀" in errors(page(**{"domains-0-name": "gov.cn"}))["domains-0-name"]
    assert page(**{"domains-0-name": "ding.gov.cn"}).status_code == 302
    assert page(name="又一个", **{"domains-0-name": "ding.gov.test"}).status_code == 302


def test_a_superior_shares_its_domain_and_so_does_a_shared_system(page, world):
    sent = {"domains-0-name": "ju.yi.edu.test"}
    assert page(build_mode="own_cloud", **sent).status_code == 200
    assert page(build_mode="shared", **sent).status_code == 302
    world.unit_a.superior = world.unit_b
    world.unit_a.save()
    assert page(name="又一个", **{"domains-0-name": "chu.yi.edu.test"}).status_code == 302


def test_a_server_of_ones_own_does_not_stand_under_anothers_domain(page):
    sent = {"endpoints-0-host": "imap.yi.edu.test"}
    assert errors(page(**sent)) == {"endpoints-0-host": NEAR}
    assert page(build_mode="hosted", **sent).status_code == 302


def test_what_a_system_has_is_not_disputed_later(client, world):
    UnitDomain.objects.create(unit=world.unit_b, name="post.jia.gov.test")
    client.force_login(world.filler)
    url = reverse("inventory:system_edit", args=[world.system_a.pk])
    changed = data(name="邮件系统", product="某产品", **{"domains-0-name": "jia.gov.test"})
    assert client.post(url, changed).status_code == 302


def test_grade_and_filing_are_asked_and_never_chosen_beforehand(page, client, world):
    fresh = client.get(reverse("inventory:system_create", args=[world.unit_a.pk]))
    form = fresh.context["form"]
    for name in ("grade", "filing_state"):
        assert form[name].value() == ""
        assert form.fields[name].choices[0] == ("", "请选择")
    response = page(grade="", filing_state="")
    assert set(errors(response)) == {"grade", "filing_state"}
    assert not MailSystem.objects.filter(name="门户邮箱").exists()
    page()
    system = MailSystem.objects.get(name="门户邮箱")
    assert (system.grade, system.filing_state) == (0, "none")
    kept = client.get(reverse("inventory:system_edit", args=[system.pk])).context["form"]
    assert kept["filing_state"].value() == "none"
