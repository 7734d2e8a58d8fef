"""People and power, one module a noun."""

from accounts.models.grants import Grant, GrantChange
from accounts.models.joining import Invitation
from accounts.models.lockout import FailureCount
from accounts.models.passwords import UsedPassword
from accounts.models.people import USERNAME, USERNAME_RULE, Membership, User, unit_of
from accounts.models.registration import Registration, RegistrationChange
from accounts.models.second_factor import (
    Authenticator,
    RecoveryCode,
    RecoveryCodes,
    SecondFactorDuty,
)
from accounts.models.sessions import EndOfLogin, LoginSession
from accounts.models.ways import ClientCertificate, UnifiedIdentity

__all__ = [
    "USERNAME",
    "USERNAME_RULE",
    "Authenticator",
    "ClientCertificate",
    "EndOfLogin",
    "FailureCount",
    "Grant",
    "GrantChange",
    "Invitation",
    "LoginSession",
    "Membership",
    "RecoveryCode",
    "RecoveryCodes",
    "Registration",
    "RegistrationChange",
    "SecondFactorDuty",
    "UnifiedIdentity",
    "UsedPassword",
    "User",
    "unit_of",
]
