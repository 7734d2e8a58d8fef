"""Finding, registering, keeping and handing over units, through their pages."""

import datetime as dt

import pytest
from django.urls import reverse
from stdnum.cn.uscc import calc_check_digit

from audit.models import AuditEvent
from inventory import actions
from inventory.jurisdiction import propose_supervision
from inventory.models import (
    Delegation,
    Region,
    Unit,
)
from tests.world import make_office, make_region, make_unit

pytestmark = pytest.mark.django_db


def code(body: str) -> str:
    return body + calc_check_digit(body)


GOOD = code("12370100MB2345678")


def data(**changes):
    fields = {
        "name": "甲市第二中学",
        "uscc": GOOD,
        "kind": "institution",
        "affiliation": "3",
        "sector": "43",
        "region": "370100",
        "address": "",
        "competent_department": "甲市教育局",
        "registered_domains": "",
    }
    return fields | changes


def errors(response):
    found = dict(response.context["form"].errors)
    for contact in response.context["contacts"]:
        found |= {f"{contact.prefix}-{name}": text for name, text in contact.errors.items()}
    return {name: " ".join(texts) for name, texts in found.items()}


@pytest.fixture
def create(client, world):
    client.force_login(world.officer)

    def post(**changes):
        return client.post(reverse("inventory:unit_create"), data(**changes))

    return post


def test_an_officer_registers_a_unit_under_the_proposed_office(create, world, client):
    response = create(
        **{
            "uscc": GOOD.lower(),
            "registered_domains": "er.edu.test\n甲二.test\n\n",
            "contact_liaison-name": "张三",
            "contact_liaison-mobile": "13900000002",
        }
    )
    unit = Unit.objects.get(uscc=GOOD)
    assert response.url == reverse("inventory:unit_detail", args=[unit.pk])
    assert unit.police_office() == world.city_a
    assert {str(d) for d in unit.registered_domains.all()} == {"er.edu.test", "甲二.test"}
    assert unit.contacts.get().name == "张三"
    event = AuditEvent.objects.get(action="unit.register")
    assert event.details == {"uscc": GOOD, "offices": [world.city_a.name]}
    assert "登记单位" in client.get(response.url).content.decode()


def test_what_an_input_method_makes_of_codes_is_accepted(create):
    wide = str.maketrans({chr(c): chr(c + 0xFEE0) for c in range(0x21, 0x7F)})
    spaced = f"　{GOOD[:8]} {GOOD[8:]}".lower().translate(wide)
    sent = {
        "uscc": spaced,
        "region": "３７０１００",
        "registered_domains": "ｊｉａ．ｔｅｓｔ",
        "contact_liaison-name": "张三",
        "contact_liaison-mobile": "１３９　００００　０００２",
        "contact_liaison-office_phone": "０９９１－２２０００００",
    }
    assert create(**sent).status_code == 302
    unit = Unit.objects.get(uscc=GOOD)
    assert unit.region_id == "370100"
    assert [d.name for d in unit.registered_domains.all()] == ["jia.test"]
    assert unit.contacts.get().mobile == "139 0000 0002"
    assert unit.contacts.get().office_phone == "0991-2200000"


def test_no_field_lets_the_browser_cut_what_is_pasted(client, world):
    client.force_login(world.officer)
    for name, args in (("unit_create", []), ("unit_edit", [world.unit_a.pk])):
        page = client.get(reverse(f"inventory:{name}", args=args)).content.decode()
        assert "maxlength" not in page.split("<form", 1)[1]


@pytest.mark.parametrize("start", ["A1", "N2", "Y1"])
def test_lawful_codes_of_the_other_registries_are_accepted(create, start):
    good = code(f"{start}370100MB2345678"[:17])
    assert create(uscc=good, kind="other").status_code == 302


def test_a_code_that_does_not_suit_the_kind_is_only_remarked_upon(create, client):
    response = create(kind="government")
    page = client.get(response.url).content.decode()
    assert "以“12”开头" in page
    assert Unit.objects.filter(uscc=GOOD).exists()


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"uscc": GOOD[:17]}, "uscc", "应为18位，现为17位"),
        ({"uscc": GOOD[:17] + ("A" if GOOD[17] != "A" else "B")}, "uscc", "校验码不正确"),
        ({"uscc": "11370100004188888K"}, "uscc", "已被登记"),
        ({"uscc": "12370200004177777W"}, "uscc", "已被登记"),
        ({"region": "999999"}, "region", "区划表中没有代码“999999”"),
        ({"region": "3701"}, "region", "六位数字"),
        ({"region": ""}, "region", "必填"),
        ({"sector": "77"}, "sector", "选"),
        ({"kind": "kingdom"}, "kind", "kingdom"),
        ({"registered_domains": "a.cn\nA.cn\nb"}, "registered_domains", "第2行：“A.cn”与第1行重复"),
        (
            {"registered_domains": "a.cn\nhttp://b.cn"},
            "registered_domains",
            "第2行：请填写域名，不是网址",
        ),
        (
            {"contact_head-name": "李四", "contact_head-mobile": "见名片"},
            "contact_head-mobile",
            "只能含数字",
        ),
        ({"contact_head-name": "李四"}, "contact_head-mobile", "至少填写一个"),
        ({"name": "长" * 400}, "name", "最多120个字，现为400个字"),
        ({"name": "甲市局（机密）"}, "name", "带有密级标志，没有保存"),
        ({"name": "=甲市局"}, "name", "不能以 = + - @ 开头"),
        ({"name": "甲市\x00局"}, "name", "含有看不见的空字符"),
        ({"uscc": f"{GOOD}\x00"}, "uscc", "含有看不见的空字符"),
        ({"region": "3701\x0000"}, "region", "含有看不见的空字符"),
        ({"sector": "x" * 400}, "sector", "不在可选范围内"),
        ({"key_industries": ["x\x00"]}, "key_industries", "含有看不见的空字符"),
        (
            {"contact_head-name": "李" * 31, "contact_head-mobile": "13900000003"},
            "contact_head-name",
            "最多30个字，现为31个字",
        ),
        (
            {"contact_head-name": "李四", "contact_head-mobile": "1" * 40},
            "contact_head-mobile",
            "电话最多25位，现为40位",
        ),
        ({"contact_head-mobile": "13900000003"}, "contact_head-name", "请填写姓名"),
        ({"affiliation": "2"}, "office", "应由丙省公安厅网安总队监管，不在您的管辖范围内"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(create, changes, field, says):
    response = create(**changes)
    assert response.status_code == 200
    assert says in errors(response)[field]
    assert "乙市第一中学" not in response.content.decode()
    if "name" not in changes:
        assert 'value="甲市第二中学"' in response.content.decode()
    assert not Unit.objects.filter(name="甲市第二中学").exists()


def test_an_abolished_division_is_refused_with_its_date(create, world):
    Region.objects.filter(pk="370100").update(valid_to=dt.date(2021, 3, 11))
    assert "已于2021年3月11日停用" in errors(create())["region"]


def test_an_officer_may_place_a_unit_in_the_own_subtree_only(create, world, client):
    assert "office" in errors(create(office=str(world.city_b.pk)))
    assert create(affiliation="2", office=str(world.city_a.pk)).status_code == 302


def test_another_authority_registers_and_the_police_office_is_added(client, world):
    client.force_login(world.officer_industry)
    client.post(reverse("inventory:unit_create"), data(office=str(world.industry.pk)))
    unit = Unit.objects.get(uscc=GOOD)
    assert {s.office for s in unit.supervisions.all()} == {world.industry, world.city_a}


@pytest.mark.parametrize(
    ("affiliation", "region", "office"),
    [
        ("1", "370102", "province"),
        ("2", "370102", "province"),
        ("3", "370102", "city_a"),
        ("4", "370102", "county"),
        ("9", "370102", "county"),
        ("4", "370103", "city_a"),
        ("4", "370200", "city_b"),
        ("4", "110101", None),
    ],
)
def test_supervision_is_proposed_by_level_not_by_place(world, affiliation, region, office):
    county = make_region("370102", "历下区", 3, world.city_a.region)
    make_region("370103", "市中区", 3, world.city_a.region)
    make_region("110101", "东城区", 3, make_region("110000", "北京市", 1))
    offices = {
        "province": world.province,
        "city_a": world.city_a,
        "city_b": world.city_b,
        "county": make_office("历下分局网安大队", county, world.city_a),
    }
    make_office("甲市高新区网安大队", world.city_a.region, world.city_a)
    found = propose_supervision(affiliation=affiliation, region=Region.objects.get(pk=region))
    assert found == (offices[office] if office else None)


def test_the_unit_keeps_its_facts_but_not_who_it_is(client, world):
    """Name, code, division and affiliation are shown; a forged answer changes none of them."""
    client.force_login(world.filler)
    url = reverse("inventory:unit_edit", args=[world.unit_a.pk])
    page = client.get(url).content.decode()
    told = "名称、代码、地区、隶属如有变化，请联系监管机关甲市公安局网安支队"
    assert told in page
    assert "0000-1234567" in page
    for name in Unit.IDENTITY:
        assert f'name="{name}"' not in page
    before = {name: getattr(world.unit_a, name) for name in Unit.IDENTITY}
    forged = data(
        name="冒名", affiliation="2", region="370200", kind="party", **{"contact_liaison-name": ""}
    )
    assert client.post(url, forged).status_code == 302
    unit = Unit.objects.get(pk=world.unit_a.pk)
    assert {name: getattr(unit, name) for name in Unit.IDENTITY} == before
    assert unit.kind == "party"
    details = AuditEvent.objects.get(action="unit.update").details
    assert details["单位类型"] == ["政府机关", "党委机关"]
    assert details["联系人"] == ["联系人"]
    assert not unit.contacts.exists()


def test_the_office_corrects_who_the_unit_is_and_the_trail_tells_old_and_new(client, world):
    make_region("370102", "历下区", 3, world.city_a.region)
    client.force_login(world.officer)
    url = reverse("inventory:unit_edit", args=[world.unit_a.pk])
    form = data(name="甲市大数据局", affiliation="4", region="370102", kind="government")
    assert client.post(url, form).status_code == 302
    world.unit_a.refresh_from_db()
    assert (world.unit_a.name, world.unit_a.uscc) == ("甲市大数据局", GOOD)
    details = AuditEvent.objects.get(action="unit.update").details
    assert details["单位全称"] == ["甲市数据管理局", "甲市大数据局"]
    assert details["统一社会信用代码"] == ["11370100004188888K", GOOD]
    assert details["隶属关系"] == ["地（区、市、州、盟）", "县（区、市、旗）"]
    assert details["行政区划"] == ["丙省甲市", "丙省甲市历下区"]
    assert "13900000001" not in str(details)  # telephone numbers stay out of the trail
    page = client.get(reverse("inventory:unit_detail", args=[world.unit_a.pk])).content.decode()
    assert "单位全称由“甲市数据管理局”改为“甲市大数据局”" in page
    assert "行政区划由“丙省甲市”改为“丙省甲市历下区”" in page


def test_the_act_itself_refuses_the_unit_another_name(world):
    world.unit_a.name = "冒名"
    with pytest.raises(actions.Refused, match="由监管机关更改"):
        actions.update_unit(unit=world.unit_a, by=world.filler)
    assert not AuditEvent.objects.filter(action="unit.update").exists()


def test_a_refused_edit_does_not_rename_the_page_and_names_no_other_unit(client, world):
    client.force_login(world.officer)
    url = reverse("inventory:unit_edit", args=[world.unit_a.pk])
    response = client.post(url, data(name="冒名", uscc=world.unit_b.uscc))
    assert "已被登记" in errors(response)["uscc"]
    text = response.content.decode()
    assert f">{world.unit_a.name}</a>" in text
    assert world.unit_b.name not in text


def test_no_office_holds_a_unit_beyond_its_area(create, client, world):
    said = "“丙省乙市”不在甲市公安局网安支队的辖区（丙省甲市）之内"
    assert said in errors(create(region="370200"))["region"]
    assert said in errors(create(region="370200", office=str(world.city_a.pk)))["region"]
    url = reverse("inventory:unit_edit", args=[world.unit_a.pk])
    moved = client.post(url, data(region="370200"))
    assert said in errors(moved)["region"]
    assert "变更监管关系" in errors(moved)["region"]
    url = reverse("inventory:unit_transfer", args=[world.unit_a.pk])
    handed = client.post(url, {"office": world.city_b.pk, "reason": "迁址"})
    assert "不在乙市公安局网安支队的辖区" in handed.context["form"].errors["office"][0]
    assert "请同时填写新的行政区划代码" in handed.context["form"].errors["office"][0]
    wrong = {"office": world.city_b.pk, "reason": "迁址", "region": "370100"}
    assert "region" in client.post(url, wrong).context["form"].errors
    unit = Unit.objects.get(pk=world.unit_a.pk)
    assert (unit.region, unit.police_office()) == (world.city_a.region, world.city_a)
    with pytest.raises(actions.Refused, match="不在乙市公安局网安支队的辖区"):
        actions.transfer_unit(unit=unit, office=world.city_b, reason="x", by=world.officer)
    twin = Unit(name="x", uscc=GOOD, kind="party", region=world.city_a.region)
    with pytest.raises(actions.Refused, match="不在乙市公安局网安支队的辖区"):
        actions.register_unit(unit=twin, office=world.city_b, by=world.officer_b)


def test_the_office_above_may_hold_any_unit_of_its_area(client, world):
    client.force_login(world.officer_province)
    form = data(region="370200", office=str(world.province.pk))
    assert client.post(reverse("inventory:unit_create"), form).status_code == 302
    assert Unit.objects.get(uscc=GOOD).police_office() == world.province


def test_a_move_must_suit_the_other_authorities_as_well(client, world):
    bureau = make_office("甲市教育局", world.city_a.region, kind="industry")
    world.unit_a.supervisions.create(kind="industry", office=bureau)
    client.force_login(world.officer)
    url = reverse("inventory:unit_transfer", args=[world.unit_a.pk])
    form = {"office": world.city_b.pk, "reason": "迁址", "region": "370200"}
    page = client.post(url, form, follow=True)
    assert "不在甲市教育局的辖区" in page.content.decode()
    assert world.unit_a.police_office() == world.city_a


def test_two_people_registering_one_code_at_once(world):
    twin = Unit(
        name="x",
        uscc=world.unit_b.uscc,
        kind="party",
        affiliation="3",
        sector_id="43",
        region_id="370100",
    )
    with pytest.raises(actions.Refused, match="刚刚已被登记"):
        actions.register_unit(unit=twin, office=world.city_a, by=world.officer)
    world.unit_a.uscc = world.unit_b.uscc
    with pytest.raises(actions.Refused, match="已由其他单位登记"):
        actions.update_unit(unit=world.unit_a, by=world.officer)


@pytest.mark.parametrize(
    ("who", "detail", "edit", "transfer"),
    [
        ("filler", 200, 200, 403),
        ("signer", 200, 403, 403),
        ("officer", 200, 200, 200),
        ("checker", 200, 403, 403),
        ("approver", 200, 403, 403),
        ("officer_province", 200, 200, 200),
        ("officer_b", 404, 404, 404),
        ("filler_b", 404, 404, 404),
        ("officer_industry", 404, 404, 404),
        ("audit_admin", 404, 404, 404),
        ("nobody", 404, 404, 404),
    ],
)
def test_who_sees_edits_and_hands_over(client, world, who, detail, edit, transfer):
    client.force_login(getattr(world, who))
    pk = world.unit_a.pk
    assert client.get(reverse("inventory:unit_detail", args=[pk])).status_code == detail
    assert client.get(reverse("inventory:unit_edit", args=[pk])).status_code == edit
    assert client.get(reverse("inventory:unit_transfer", args=[pk])).status_code == transfer
    if edit != 200:
        assert client.post(reverse("inventory:unit_edit", args=[pk]), data()).status_code == edit
    if transfer != 200:
        form = {"office": world.city_b.pk, "reason": "x"}
        url = reverse("inventory:unit_transfer", args=[pk])
        assert client.post(url, form).status_code == transfer
    assert Unit.objects.get(pk=pk).police_office() == world.city_a


@pytest.mark.parametrize(
    ("who", "listed", "created"),
    [
        ("officer", 200, 200),
        ("approver", 200, 403),
        ("filler", 200, 403),
        ("system_admin", 403, 403),
        ("nobody", 403, 403),
    ],
)
def test_who_lists_and_registers(client, world, who, listed, created):
    client.force_login(getattr(world, who))
    assert client.get(reverse("inventory:unit_list")).status_code == listed
    assert client.get(reverse("inventory:system_list")).status_code == listed
    assert client.get(reverse("inventory:unit_create")).status_code == created
    assert client.post(reverse("inventory:unit_create"), data()).status_code in {created, 302}
    assert Unit.objects.filter(uscc=GOOD).exists() == (created == 200)


def test_anonymous_people_are_sent_to_the_login_page(client, world):
    for name, args in (
        ("unit_list", []),
        ("unit_detail", [world.unit_a.pk]),
        ("system_list", []),
    ):
        response = client.get(reverse(f"inventory:{name}", args=args))
        assert response.status_code == 302
        assert response.url.startswith(reverse("accounts:login"))


def test_an_applicant_without_an_account_may_look_divisions_up(client, world):
    response = client.get(reverse("inventory:region_picker"), {"region": "370100"})
    assert "丙省甲市" in response.content.decode()
    assert world.unit_a.name not in response.content.decode()


def test_a_delegation_lets_an_office_read_not_rule(client, world):
    Delegation.objects.create(
        unit=world.unit_a, office=world.city_b, until=dt.date.today(), reason="联合检查"
    )
    client.force_login(world.officer_b)
    pk = world.unit_a.pk
    page = client.get(reverse("inventory:unit_detail", args=[pk]))
    assert page.status_code == 200
    assert reverse("inventory:unit_edit", args=[pk]) not in page.content.decode()
    assert client.post(reverse("inventory:unit_edit", args=[pk]), data()).status_code == 403
    form = {"office": world.city_b.pk, "reason": "x"}
    moved = client.post(reverse("inventory:unit_transfer", args=[pk]), form)
    assert moved.status_code == 403
    assert Unit.objects.get(pk=pk).police_office() == world.city_a


def test_the_list_filters_in_the_address_with_chips_and_counts(client, world):
    client.force_login(world.officer_province)
    url = reverse("inventory:unit_list")
    everything = client.get(url)
    assert "共 3 家" in everything.content.decode()
    north = client.get(url, {"region": "370200"})
    assert [u.name for u in north.context["page"]] == ["乙市第一中学"]
    assert "行政区划：" in north.content.decode()
    assert "全部清除" in north.content.decode()
    whole = client.get(url, {"region": "370000", "affiliation": "2"})
    assert [u.name for u in whole.context["page"]] == ["丙省发展研究院"]
    for text in ("乙市", "12370200", "yi.edu"):
        assert [u.pk for u in client.get(url, {"q": text}).context["page"]] == [world.unit_b.pk]
    assert "没有符合条件" in client.get(url, {"q": "丁"}).content.decode()


def test_the_list_offers_no_region_beyond_what_one_sees(client, world):
    client.force_login(world.officer)
    response = client.get(reverse("inventory:unit_list"))
    codes = {key for key, _ in response.context["filter"].form.fields["region"].choices}
    assert codes == {"", "370000", "370100"}
    nothing = client.get(reverse("inventory:unit_list"), {"region": "370200"})
    assert world.unit_b.name not in nothing.content.decode()


def test_the_list_asks_a_fixed_number_of_times(
    client, world, django_assert_num_queries, django_assert_max_num_queries
):
    client.force_login(world.officer)
    url = reverse("inventory:unit_list")

    def more(first, last):
        for n in range(first, last):
            make_unit(f"单位{n}", f"{n:018d}", world.city_a.region, world.city_a)

    more(0, 3)
    with django_assert_max_num_queries(20) as few:
        client.get(url)
    more(3, 30)
    with django_assert_num_queries(len(few)):
        response = client.get(url)
    assert response.context["page"].paginator.count == 31


def test_the_page_of_a_unit_asks_a_fixed_number_of_times(
    client, world, django_assert_num_queries, django_assert_max_num_queries
):
    from tests.world import make_system

    client.force_login(world.filler)
    url = reverse("inventory:unit_detail", args=[world.unit_a.pk])
    with django_assert_max_num_queries(25) as few:
        client.get(url)
    for n in range(30):
        make_system(world.unit_a, f"s{n}.test", name=f"系统{n}")
    with django_assert_num_queries(len(few)):
        client.get(url)


@pytest.mark.parametrize("who", ["officer", "checker", "filler", "signer", "officer_province"])
def test_the_page_of_a_unit_leads_to_its_work(client, world, who):
    client.force_login(getattr(world, who))
    page = client.get(reverse("inventory:unit_detail", args=[world.unit_a.pk])).content.decode()
    for url in (
        reverse("assessments:unit_selfchecks", args=[world.unit_a.pk]),
        f"{reverse('rectification:finding_list')}?unit={world.unit_a.pk}",
        f"{reverse('rectification:notice_list')}?unit={world.unit_a.pk}",
    ):
        assert f'href="{url}"' in page
        assert client.get(url).status_code == 200


def test_a_list_narrows_to_one_unit_by_its_number_and_never_beyond_the_scope(client, world):
    make_unit("甲市数据管理局信息中心", GOOD, world.city_a.region, world.city_a)
    client.force_login(world.officer)
    url = reverse("inventory:system_list")
    page = client.get(url, {"unit": world.unit_a.pk})
    assert [s.unit for s in page.context["page"]] == [world.unit_a]
    assert "单位：甲市数据管理局" in page.content.decode()
    for foreign in (world.unit_b.pk, "x", "9" * 30, "\x00"):
        answer = client.get(url, {"unit": foreign})
        assert answer.status_code == 200
        assert world.unit_b.name not in answer.content.decode()


def test_the_picker_goes_from_code_to_name_and_from_list_to_code(client, world):
    make_region("370102", "历下区", 3, world.city_a.region)
    make_region("110101", "东城区", 3, make_region("110000", "北京市", 1))
    client.force_login(world.officer)
    url = reverse("inventory:region_picker")
    typed = client.get(url, {"region": "370102"})
    assert typed.context["picker"].full_name == "丙省甲市历下区"
    chosen = client.get(url, {"region_at": "110000"}).context["picker"]
    assert [level.label for level in chosen.levels] == ["省（自治区、直辖市）", "县（区、市、旗）"]
    assert [r.name for r in chosen.levels[1].options] == ["东城区"]
    for strange in ("3701020", "\x00", "'"):
        assert client.get(url, {"region": strange}).context["picker"].full_name == ""
    unknown = client.get(url, {"region": "999999"}).content.decode()
    assert "区划表中没有代码“999999”" in unknown
    assert client.post(url).status_code == 405


def facts_of(unit, domains):
    return data(kind=unit.kind, registered_domains=domains)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("yi.edu.test", "此域名已被登记"),
        ("mail.yi.edu.test", "此名称在其他单位已登记域名之下"),
        ("gov.cn", "这是公共的域名后缀"),
    ],
)
def test_a_unit_does_not_register_what_is_anothers(client, world, name, says):
    client.force_login(world.filler)
    url = reverse("inventory:unit_edit", args=[world.unit_a.pk])
    response = client.post(url, facts_of(world.unit_a, f"jia.gov.test\n{name}"))
    assert f"“{name}”：{says}" in errors(response)["registered_domains"]
    assert world.unit_b.name not in response.content.decode()
    assert not world.unit_a.registered_domains.exists()


def test_what_a_unit_has_of_its_own_or_its_superior_it_may_register(client, world):
    # Its own mail domain, under which another has put up a host; and what it registered before.
    world.unit_b.registered_domains.create(name="post.jia.gov.test")
    world.unit_a.registered_domains.create(name="alt.yi.edu.test")
    client.force_login(world.filler)
    url = reverse("inventory:unit_edit", args=[world.unit_a.pk])
    sent = "jia.gov.test\nwww.jia.gov.test\nalt.yi.edu.test"
    assert client.post(url, facts_of(world.unit_a, sent)).status_code == 302
    assert world.unit_a.registered_domains.count() == 3
    Unit.objects.filter(pk=world.unit_a.pk).update(superior=world.unit_b)
    sent += "\nju.yi.edu.test"
    assert client.post(url, facts_of(world.unit_a, sent)).status_code == 302


def test_an_office_lets_its_own_units_have_a_domain_in_common(create, client, world):
    assert create(registered_domains="zhong.jia.gov.test").status_code == 302
    response = create(uscc=code("12370100MB2345679"), registered_domains="zhong.yi.edu.test")
    assert "registered_domains" in errors(response)
