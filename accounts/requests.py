"""The type of a request that has passed LoginRequiredMiddleware."""

from django_htmx.middleware import HtmxDetails

from accounts.certificates import Shown
from accounts.models import User
from emailsec.lib.http import SignedInRequest


class PortalRequest(SignedInRequest):
    """A request of a person who is logged in; views above the accounts name it."""

    user: User
    htmx: HtmxDetails
    certificate: Shown | None  # of this connection, see accounts.certificates
    certificate_fault: str
