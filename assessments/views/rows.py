"""How the views of a self-check fetch their rows: within the scope, with what every page reads."""

from django.shortcuts import get_object_or_404

from accounts.requests import PortalRequest
from assessments.models import Contradiction, ReviewRemark, SelfCheck, Sheet

# What is read of the self-check on every page.
_ABOVE = ("unit", "campaign__office", "questionnaire")


def selfcheck_of(request: PortalRequest, pk: int) -> SelfCheck:
    """The self-check, if the person may see it; each view asks for its own power."""
    rows = SelfCheck.objects.visible_to(request.user)
    selfcheck: SelfCheck = get_object_or_404(rows.select_related(*_ABOVE), pk=pk)
    return selfcheck


def sheet_of(request: PortalRequest, pk: int) -> Sheet:
    """The sheet with its self-check."""
    rows = Sheet.objects.visible_to(request.user)
    above = [f"selfcheck__{name}" for name in _ABOVE]
    sheet: Sheet = get_object_or_404(rows.select_related(*above, "system"), pk=pk)
    return sheet


def doubt_of(request: PortalRequest, pk: int) -> Contradiction:
    """The row of a 疑点 with its self-check."""
    rows = Contradiction.objects.visible_to(request.user)
    above = [f"sheet__selfcheck__{name}" for name in _ABOVE]
    doubt: Contradiction = get_object_or_404(rows.select_related(*above), pk=pk)
    return doubt


def remark_of(request: PortalRequest, pk: int) -> ReviewRemark:
    """The remark with its self-check."""
    rows = ReviewRemark.objects.visible_to(request.user)
    above = [f"sheet__selfcheck__{name}" for name in _ABOVE]
    remark: ReviewRemark = get_object_or_404(rows.select_related(*above), pk=pk)
    return remark
