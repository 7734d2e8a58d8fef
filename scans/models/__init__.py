"""What the outside sees: authorisations, waves, runs, observations, verdicts."""

from scans.models.authorization import (
    LAPSED,
    Authorization,
    AuthorizationChange,
    AuthorizationItem,
    authorization_path,
)
from scans.models.seen import (
    Observation,
    Outcome,
    Result,
    RunObservation,
    Verdict,
    place_of,
)
from scans.models.waves import ScanRun, Wave

__all__ = [
    "LAPSED",
    "Authorization",
    "AuthorizationChange",
    "AuthorizationItem",
    "Observation",
    "Outcome",
    "Result",
    "RunObservation",
    "ScanRun",
    "Verdict",
    "Wave",
    "authorization_path",
    "place_of",
]
