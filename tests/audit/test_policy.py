"""What the trail asks of itself is checked data, and no file goes below the law."""

import pytest

from audit.policy import PATH, policy
from emailsec.checks import production_problems


def test_the_policy_in_force_is_sound():
    assert policy().live_days >= 180


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("live_days = 1095", "live_days = 179", "live_days: at least 180"),
        ("live_days = 1095", "live_days = true", "live_days: a whole number"),
        ("verify_hours = 24", "verify_hours = 0", "verify_hours: a whole number"),
        ("quiet_minutes", "silent_minutes", "reading: "),
        ("[reading]", "[writing]", "audit policy: "),
    ],
)
def test_a_policy_of_another_shape_is_refused_by_name(tmp_path, old, new, told):
    path = tmp_path / "policy.toml"
    path.write_text(PATH.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(ValueError, match=told):
        policy(path)


def test_an_unknown_algorithm_keeps_production_from_starting(settings):
    settings.AUDIT_DIGEST = "md5"
    assert "emailsec.E012" in [problem.id for problem in production_problems()]
