"""The tree of supervising offices: who keeps it, and what it must not become."""

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from inventory import actions
from inventory.models import Office, Unit
from tests.world import make_office, make_region

pytestmark = pytest.mark.django_db
LIST = "inventory:office_list"


def data(**changes):
    fields = {
        "kind": "police",
        "name": "甲市公安局历下分局网安大队",
        "short_name": "历下大队",
        "parent": "",
        "region": "370100",
        "issuer_name": "甲市公安局历下分局",
        "number_prefix": "历公网安",
        "own_numbering": "on",
        "address": "某路1号",
        "phone": "０９９１－１１０００００",
    }
    return fields | changes


def of(office, **changes):
    """What the form of `office` sends back when nothing is touched but `changes`."""
    names = ("kind", "name", "short_name", "issuer_name", "number_prefix", "address", "phone")
    fields = {name: getattr(office, name) for name in names}
    fields |= {"parent": office.parent_id or "", "region": office.region_id, "own_numbering": "on"}
    return fields | changes


@pytest.fixture
def admin(client, world):
    # The cast shares a prefix between two offices, which the form would not let through.
    Office.objects.filter(pk=world.industry.pk).update(number_prefix="丙教网信")
    client.force_login(world.system_admin)
    return client


def edit(office):
    return reverse("inventory:office_edit", args=[office.pk])


@pytest.mark.parametrize(
    "who", ["officer", "approver", "filler", "security_admin", "audit_admin", "nobody"]
)
def test_nobody_else_keeps_the_offices(client, world, who):
    user = getattr(world, who)
    client.force_login(user)
    assert client.get(reverse(LIST)).status_code == 403
    for url in (reverse("inventory:office_create"), edit(world.city_a)):
        assert client.get(url).status_code == 403
        assert client.post(url, data()).status_code == 403
    with pytest.raises(actions.Refused, match="由系统管理员维护"):
        actions.save_office(office=world.city_a, by=user)
    assert not AuditEvent.objects.filter(action__startswith="office.").exists()


def test_an_office_is_created_below_another_and_stands_in_the_navigation(admin, world):
    home = admin.get(reverse("accounts:list")).content.decode()
    assert reverse(LIST) in home
    response = admin.post(reverse("inventory:office_create"), data(parent=world.city_a.pk))
    assert response.url == reverse(LIST)
    made = Office.objects.get(short_name="历下大队")
    assert made.path == f"{world.city_a.path}{made.pk:06d}."
    assert made.phone == "0991-1100000"
    event = AuditEvent.objects.get(action="office.create")
    assert event.details == {"parent": world.city_a.name}
    page = admin.get(reverse(LIST)).content.decode()
    assert made.name in page
    assert world.unit_a.name not in page
    assert world.unit_a.name not in admin.get(edit(made)).content.decode()


def test_a_change_is_recorded_with_before_and_after(admin, world):
    assert admin.post(edit(world.city_a), of(world.city_a, phone="0991-999")).status_code == 302
    details = AuditEvent.objects.get(action="office.update").details
    assert details == {"联系电话": ["0000-1234567", "0991-999"]}
    admin.post(edit(world.city_a), of(world.city_a, phone="0991-999"))
    assert AuditEvent.objects.filter(action="office.update").count() == 1


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"name": ""}, "name", "必填"),
        ({"name": "乙市公安局网安支队"}, "name", "已有同名"),
        ({"name": "长" * 400}, "name", "最多80个字，现为400个字"),
        ({"short_name": "长" * 31}, "short_name", "最多30个字"),
        ({"kind": "king"}, "kind", "不在可选范围内"),
        ({"parent": "999999"}, "parent", "不在可选范围内"),
        ({"parent": "industry"}, "parent", "上级须与本机关同类：丙省教育厅是行业主管"),
        ({"region": "999999"}, "region", "区划表中没有"),
        ({"region": "37"}, "region", "六位数字"),
        ({"number_prefix": "乙公网安"}, "number_prefix", "已由乙市公安局网安支队使用"),
        ({"phone": "见名片"}, "phone", "只能含数字"),
        ({"issuer_name": "局\x00"}, "issuer_name", "空字符"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(admin, world, changes, field, says):
    if changes.get("parent") == "industry":
        changes = {"parent": str(world.industry.pk)}
    response = admin.post(reverse("inventory:office_create"), data(**changes))
    assert response.status_code == 200
    assert says in " ".join(response.context["form"].errors[field])
    assert "历公网安" in response.content.decode() or field == "number_prefix"
    assert not Office.objects.filter(short_name="历下大队").exists()


def test_an_office_never_stands_below_itself(admin, world):
    for parent in (world.province, world.city_a):
        response = admin.post(edit(world.province), of(world.province, parent=parent.pk))
        assert "parent" in response.context["form"].errors
    world.province.parent = world.city_a
    with pytest.raises(actions.Refused, match="上级不能是本机关或本机关的下级"):
        actions.save_office(office=world.province, by=world.system_admin)
    world.province.refresh_from_db()
    assert world.province.parent is None


def test_what_lies_below_moves_along_and_the_units_with_it(admin, world):
    county = make_office("历下大队", world.city_a.region, world.city_a, number_prefix="历")
    deep = make_office("派出所", world.city_a.region, county, number_prefix="派")
    world.unit_a.supervisions.update(office=deep)
    assert Unit.objects.visible_to(world.officer).filter(pk=world.unit_a.pk).exists()
    assert admin.post(edit(county), of(county, parent=world.city_b.pk)).status_code == 302
    county.refresh_from_db()
    deep.refresh_from_db()
    assert county.path == f"{world.city_b.path}{county.pk:06d}."
    assert deep.path == f"{county.path}{deep.pk:06d}."
    assert not Unit.objects.visible_to(world.officer).filter(pk=world.unit_a.pk).exists()
    for user in (world.officer_b, world.officer_province):
        assert Unit.objects.visible_to(user).filter(pk=world.unit_a.pk).exists()
    assert admin.post(edit(county), of(county, parent="")).status_code == 302
    deep.refresh_from_db()
    assert deep.path == f"{county.pk:06d}.{deep.pk:06d}."
    assert AuditEvent.objects.filter(action="office.update").count() == 2


def test_what_hangs_on_an_office_is_not_pulled_from_under_it(admin, world):
    response = admin.post(edit(world.city_a), of(world.city_a, region="370200"))
    assert "不在这个区划之内" in response.context["form"].errors["region"][0]
    make_region("370102", "历下区", 3, world.city_a.region)
    response = admin.post(edit(world.city_a), of(world.city_a, region="370102"))
    assert "不在这个区划之内" in response.context["form"].errors["region"][0]
    assert admin.post(edit(world.city_a), of(world.city_a, region="370000")).status_code == 302
    response = admin.post(edit(world.province), of(world.province, kind="secrecy"))
    assert "类别不能更改" in response.context["form"].errors["kind"][0]


def test_the_list_filters_and_asks_a_fixed_number_of_times(
    admin, world, django_assert_num_queries, django_assert_max_num_queries
):
    found = admin.get(reverse(LIST), {"q": "支队", "kind": "police"})
    assert [o.name for o in found.context["page"]] == [world.city_a.name, world.city_b.name]
    assert "没有符合条件" in admin.get(reverse(LIST), {"q": "丁"}).content.decode()
    with django_assert_max_num_queries(15) as few:
        admin.get(reverse(LIST))
    for n in range(30):
        make_office(f"大队{n}", world.city_a.region, world.city_a)
    with django_assert_num_queries(len(few)):
        admin.get(reverse(LIST))
