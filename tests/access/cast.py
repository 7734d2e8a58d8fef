"""Who stands where towards whom: the cast of tests.world and a few more, one word a relation.

The words are those of matrix.toml. They are written down here by hand, and not asked of
`visible_to`, because it is `visible_to` that the walk puts to the test.
"""

from dataclasses import dataclass

from accounts.models import User
from accounts.roles import Role
from inventory.models import Office
from tests.world import World, make_office, make_region, make_unit, make_user

# Words for people of the owning unit, of its police office, and around them.
UNIT = ("filler", "signer", "reader")
OFFICE = ("officer", "checker", "approver")
AROUND = ("superior", "industry", "delegate", "parent")
RELATIONS = (*UNIT, *OFFICE, *AROUND)
PORTAL = ("system_admin", "security_admin", "audit_admin")


@dataclass
class Cast:
    """Everybody who walks, by name, and how each stands towards the three owners.

    Attributes:
        people: name → user, in a fixed order.
        towards: owner ("jia", "yi", "province") → name → relation; who is missing is a stranger.
        words: name → the word by which pages without an object know the person.
        takers: owner → the office to which a hand-over of its unit is proposed; who works there
            stands in a relation to the owner, or nobody does.
    """

    people: dict[str, User]
    towards: dict[str, dict[str, str]]
    words: dict[str, str]
    takers: dict[str, Office]

    def strangers(self, owner: str) -> list[str]:
        return [name for name in self.people if name not in self.towards[owner]]


def build_cast(world: World) -> Cast:
    """Add to the world whom it lacks: 查阅, an authority that may read one unit, the superior
    unit, and one who has left."""
    region = make_region("370300", "丁市", 2)
    delegate = make_office("丁市公安局网安支队", region, world.province)
    parent = make_unit("丙省大数据中心", "12370000004155555J", region, world.province)
    world.unit_a.superior, world.unit_a.superior_may_read = parent, True
    world.unit_a.save()
    people = {user.username: user for user in world.everyone()} | {
        "reader": make_user("reader", Role.READER, world.unit_a),
        "delegate": make_user("delegate", Role.CASE_OFFICER, office=delegate),
        "parent": make_user("parent", Role.FILLER, parent),
        "left": make_user("left", Role.FILLER, world.unit_a),
    }
    people["left"].memberships.update(active=False)
    own = {"filler", "signer", "reader", "officer", "checker", "approver", "parent", "delegate"}
    towards = {
        "jia": {name: name for name in own} | {"officer_province": "superior"},
        "yi": {
            "filler_b": "filler",
            "officer_b": "officer",
            "officer_province": "superior",
            "officer_industry": "industry",
        },
        "province": {"filler_provincial": "filler", "officer_province": "officer"},
    }
    words = {name: _word(name) for name in people}
    empty = make_office("戊省公安厅网安总队", make_region("380000", "戊省", 1))
    takers = {"jia": delegate, "yi": world.province, "province": empty}
    return Cast(people, towards, words, takers)


def _word(name: str) -> str:
    """On a page without an object, an office is an office and a unit a unit."""
    if name in {"parent", "filler_b", "filler_provincial"}:
        return "filler"
    if name == "delegate" or name.startswith("officer"):
        return "officer"
    return "nobody" if name == "left" else name
