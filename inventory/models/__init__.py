"""What exists: places and offices, units and who supervises them, mail systems."""

from inventory.models.imports import ImportBatch
from inventory.models.places import Authority, KeyIndustry, Office, Region, Sector
from inventory.models.supervision import Delegation, Supervision, SupervisionTransfer
from inventory.models.systems import (
    AccessMethod,
    BuildMode,
    Endpoint,
    EndpointKind,
    FilingState,
    Grade,
    HostingPlace,
    MailDomain,
    MailSystem,
    Network,
    ServiceScope,
    SystemOwnedQuerySet,
)
from inventory.models.units import (
    Affiliation,
    Contact,
    ContactRole,
    Unit,
    UnitDomain,
    UnitKind,
    UnitOwnedQuerySet,
    phone_validator,
)

__all__ = [
    "AccessMethod",
    "Affiliation",
    "Authority",
    "BuildMode",
    "Contact",
    "ContactRole",
    "Delegation",
    "Endpoint",
    "EndpointKind",
    "FilingState",
    "Grade",
    "HostingPlace",
    "ImportBatch",
    "KeyIndustry",
    "MailDomain",
    "MailSystem",
    "Network",
    "Office",
    "Region",
    "Sector",
    "ServiceScope",
    "Supervision",
    "SupervisionTransfer",
    "SystemOwnedQuerySet",
    "Unit",
    "UnitDomain",
    "UnitKind",
    "UnitOwnedQuerySet",
    "phone_validator",
]
