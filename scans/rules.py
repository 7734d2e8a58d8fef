"""What each rule is about, as data of `scans/probes/rules.toml`: for pages and the rooms above."""

import re
from dataclasses import dataclass

from scans.probes import Rule, load_rules, text

SEVERITY_LABELS = text.SEVERITIES
_CJK = re.compile(r"[一-鿿]")
_ASIDE = re.compile(r"（[^（）]*）")
# "Nginx：ssl_protocols …;": the product before the colon, what is typed behind it.
_LABELLED = re.compile(r"^([A-Za-z][^：]{0,40}：)\s*(\S.*)$")


def rule_of(rule_id: str) -> Rule:
    """Return one rule: cause, title, why, repair, severity, clauses, needs, subject.

    Raises:
        KeyError: no such rule in this version.
    """
    return load_rules().rules[rule_id]


def all_rules() -> list[Rule]:
    """Return every rule, in the order in which pages show them."""
    return list(load_rules().rules.values())


def rules_of_cause(cause: str) -> list[Rule]:
    """Return the rules whose non-conformity is this root cause."""
    return [rule for rule in all_rules() if rule.cause == cause]


def repair_of(rule_id: str, domain: str) -> str:
    """Return what to do, its records and settings filled in for `domain` (A-label)."""
    return text.repair(rule_id, domain).strip()


@dataclass(frozen=True)
class Step:
    """A part of a repair: a sentence, or lines to copy as they stand."""

    text: str
    to_copy: bool


def repair_steps(rule_id: str, domain: str) -> list[Step]:
    """Return the repair as sentences and blocks to copy, in order.

    A line without Chinese (places to fill in stand in （…）) is to be copied; neighbours are
    joined.
    """
    steps: list[Step] = []
    for line in repair_of(rule_id, domain).splitlines():
        labelled = _LABELLED.match(line)
        if labelled and _typed(labelled[2]):
            parts = [(labelled[1], False), (labelled[2], True)]
        else:
            parts = [(line, _typed(line))]
        for part, to_copy in parts:
            if steps and steps[-1].to_copy == to_copy:
                steps[-1] = Step(f"{steps[-1].text}\n{part}", to_copy)
            else:
                steps.append(Step(part, to_copy))
    return steps


def _typed(line: str) -> bool:
    """Whether a line is something to type: it has Latin words and no Chinese but in （…）."""
    bare = _ASIDE.sub("", line)
    return bool(re.search(r"[A-Za-z]", bare)) and not _CJK.search(bare) and "：" not in bare
