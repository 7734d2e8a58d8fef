"""What units say: campaigns, questionnaires, self-checks, answers, evidence, review."""

from assessments.models.campaigns import (
    Campaign,
    CampaignChange,
    Questionnaire,
)
from assessments.models.review import (
    CallRecord,
    Contradiction,
    ReviewRemark,
)
from assessments.models.selfchecks import (
    Answer,
    AnswerChange,
    Evidence,
    SelfCheck,
    SelfCheckChange,
    Sheet,
    SignOff,
    evidence_path,
    signoff_path,
)

__all__ = [
    "Answer",
    "AnswerChange",
    "CallRecord",
    "Campaign",
    "CampaignChange",
    "Contradiction",
    "Evidence",
    "Questionnaire",
    "ReviewRemark",
    "SelfCheck",
    "SelfCheckChange",
    "Sheet",
    "SignOff",
    "evidence_path",
    "signoff_path",
]
