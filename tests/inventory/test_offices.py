"""The tree of supervising offices: who keeps it, and what it must not become."""

import pytest
from django.urls import reverse

from accounts.forms import AccountForm
from accounts.models import Membership, Registration
from assessments.models import Campaign
from audit.models import AuditEvent
from emailsec.lib.workdays import today
from inventory import actions
from inventory.forms.supervision import DelegationForm, TransferForm
from inventory.forms.unit import NewUnitForm
from inventory.jurisdiction import propose_supervision
from inventory.models import Delegation, Office, Supervision, SupervisionTransfer, Unit
from inventory.offices import left_of, pointing
from rectification.models import Notice
from reports.models import Destruction
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


# --- Retirement ------------------------------------------------------------------------------

# What may point to a retired office: it is only named by these, or ended with them.
NAMED_ONLY = {"inventory.ImportBatch", "inbox.HandOver"}


@pytest.fixture
def empty(world):
    return make_office("丁支队", world.city_a.region, world.province, number_prefix="丁")


def retire(office):
    return reverse("inventory:office_retire", args=[office.pk])


def test_every_model_that_points_to_an_office_says_what_it_leaves_open():
    silent = {
        model._meta.label
        for model in pointing()
        if not hasattr(model._default_manager.none(), "unfinished")
    }
    assert silent == NAMED_ONLY


def hang(office, what, world):
    """Hang one thing of every kind on `office`."""
    unit, by = world.unit_a, world.officer
    day = {"deadline": today()}
    if what == "下级机关":
        make_office("戊大队", office.region, office)
    elif what == "单位":
        Supervision.objects.create(unit=unit, kind="secrecy", office=office)
    elif what == "人员":
        Membership.objects.filter(user=by).update(office=office)
    elif what == "授权查阅":
        Delegation.objects.create(unit=unit, office=office, until=today(), reason="x")
    elif what == "移交":
        SupervisionTransfer.objects.create(unit=unit, kind="police", to_office=office, reason="x")
    elif what == "通知":
        Notice.objects.create(office=office, unit=unit, drafted_by=by, **day)
    elif what == "清单":
        Destruction.objects.create(office=office, proposed_by=by)
    elif what == "注册申请":
        place = {"region": unit.region, "sector": unit.sector}
        Registration.objects.create(office=office, receipt="x", nonce="x", **place)
    else:
        version = {"version": "x", "title": "x", "source": "", "sha256": "0"}
        made = Campaign._meta.get_field("questionnaire").related_model.objects.create(**version)
        Campaign.objects.create(office=office, title="x", questionnaire=made, **day)


@pytest.mark.parametrize(
    "what",
    [
        *("下级机关", "单位", "人员", "授权查阅", "移交", "通知", "清单", "注册申请"),
        "专项行动",
    ],
)
def test_an_office_that_something_hangs_on_is_not_retired(admin, world, empty, what):
    assert left_of(empty) == []
    hang(empty, what, world)
    page = admin.get(retire(empty)).content.decode()
    assert "现在还不能停用" in page
    assert what in page.split("尚有")[1]
    with pytest.raises(actions.Refused, match=f"还不能停用，尚有：.*{what} 1 "):
        actions.retire_office(office=empty, reason="并入他处", by=world.system_admin)
    assert admin.post(retire(empty), {"reason": "并入他处"}).status_code == 422
    assert Office.objects.in_use().filter(pk=empty.pk).exists()


def test_a_retired_office_is_offered_nowhere_and_comes_back(admin, world, empty):
    def offered():
        # Without the index: every place where an office can be chosen.
        return [
            empty in form.fields["office"].queryset
            for form in (
                NewUnitForm(user=world.officer_province),
                TransferForm(unit=world.unit_a, kind="police"),
                DelegationForm(),
                AccountForm(),
            )
        ] + [
            empty in admin.get(edit(world.city_b)).context["form"].fields["parent"].queryset,
            propose_supervision(affiliation="4", region=county) == empty,
        ]

    county = make_region("370103", "丁区", 3, empty.region)
    Office.objects.filter(pk=empty.pk).update(region=county)
    assert all(offered())
    assert admin.post(retire(empty), {"reason": " "}).status_code == 422
    assert admin.post(retire(empty), {"reason": "并入他处"}).url == reverse(LIST)
    assert not any(offered())
    assert AuditEvent.objects.get(action="office.retire").details == {"reason": "并入他处"}
    assert "已停用" in admin.get(reverse(LIST)).content.decode()
    assert list(admin.get(reverse(LIST), {"standing": "retired"}).context["page"]) == [empty]
    for act in (
        lambda: actions.delegate_unit(
            unit=world.unit_a, office=empty, until=today(), reason="x", by=world.officer
        ),
        lambda: actions.transfer_unit(
            unit=world.unit_a, office=empty, reason="x", by=world.officer_province
        ),
        lambda: actions.save_office(
            office=Office(
                kind="police", name="己", region=county, parent=empty, number_prefix="己"
            ),
            by=world.system_admin,
        ),
    ):
        empty.refresh_from_db()
        with pytest.raises(actions.Refused, match="已停用"):
            act()
    # A form opened before does not bring it back; its button does.
    assert admin.post(edit(empty), of(empty, phone="0991-999")).status_code == 302
    assert not Office.objects.in_use().filter(pk=empty.pk).exists()
    assert "恢复使用" in admin.get(edit(empty)).content.decode()
    admin.post(reverse("inventory:office_restore", args=[empty.pk]))
    assert all(offered())
    assert AuditEvent.objects.filter(action="office.restore").count() == 1


def test_what_stands_below_a_retired_office_is_restored_after_it(admin, world, empty):
    below = make_office("戊大队", empty.region, empty, number_prefix="戊")
    for office in (below, empty):
        actions.retire_office(office=office, reason="撤销", by=world.system_admin)
    with pytest.raises(actions.Refused, match="请先恢复上级"):
        actions.restore_office(office=below, by=world.system_admin)
    for office in (empty, below):
        actions.restore_office(office=office, by=world.system_admin)
    with pytest.raises(actions.Refused, match="没有停用"):
        actions.restore_office(office=below, by=world.system_admin)
    for who in (world.officer, world.security_admin):
        with pytest.raises(actions.Refused, match="由系统管理员维护"):
            actions.retire_office(office=below, reason="x", by=who)
