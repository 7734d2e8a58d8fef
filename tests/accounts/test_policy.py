"""The policy of the log-in is data; a slip in it is found at the start, by its key."""

import pytest

from accounts.policy import PATH, policy


def changed(tmp_path, old, new):
    text = PATH.read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "policy.toml"
    file.write_text(text.replace(old, new), encoding="utf-8")
    return file


def test_the_shipped_policy_asks_a_second_factor_of_authority_and_portal_only():
    roles = policy().second_factor.required_roles
    assert {"approver", "audit_admin"} <= roles
    assert not {"filler", "signer", "reader"} & roles


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("history = 5", "histroy = 5", "histroy"),
        ("idle_minutes = 60", "idle_minutes = 0", "session.idle_minutes"),
        ("[15, 60, 240]", "[]", "lockout.account_minutes"),
        ('"checker", ', '"chequer", ', "chequer"),
    ],
)
def test_a_slip_is_named(tmp_path, old, new, key):
    with pytest.raises(ValueError, match=key):
        policy(changed(tmp_path, old, new))
