"""Follow the chain of the trail from seal to seal, and say what does not fit."""

from dataclasses import dataclass
from typing import Final

from audit import digests
from audit.models import AuditEvent, AuditSeal
from audit.trail import digest_of

ALTERED: Final = "altered"
MISSING: Final = "missing"
REPLACED: Final = "replaced"
SEAL: Final = "seal"
ANCHOR: Final = "anchor"
NAME: Final = "name"
KINDS: Final = {
    ALTERED: "内容被改动",
    MISSING: "缺失",
    REPLACED: "被换成另一条的内容",
    SEAL: "封存记录被改动或被调换顺序",
    ANCHOR: "与锚定文件不符",
    NAME: "导出台账中的单位名称或代码被改动或缺失",
}


@dataclass(frozen=True)
class Fault:
    """One thing that is not as it was written.

    Attributes:
        kind: a key of KINDS.
        event_id: the event meant; None where only its place in the chain is known.
        seq: its place; None for an event that was not sealed yet. Both are None for a NAME, whose
            unit the note tells.
        last: of a span of missing seals the last, else the same as seq.
    """

    kind: str
    event_id: int | None
    seq: int | None
    last: int | None = None
    note: str = ""

    def __str__(self) -> str:
        if self.kind == NAME:
            return f"{KINDS[NAME]}，{self.note}"
        where = "未封存"
        if self.seq is not None:
            span = f"{self.seq}" if self.last in (None, self.seq) else f"{self.seq} 至 {self.last}"
            where = f"封存序号 {span}"
        who = f"日志 {self.event_id}" if self.event_id is not None else "日志编号不详"
        return f"{who}（{where}）：{KINDS[self.kind]}{f'，{self.note}' if self.note else ''}"


def chain_of(before: str, seal: AuditSeal) -> str:
    """Return the hex HMAC that ties a seal to the chain before it ("" for the first).

    Raises:
        audit.digests.UnknownKey: the portal does not hold the key that the seal names.
    """
    content = [
        before,
        seal.seq,
        seal.event_id,
        seal.digest,
        digests.moment(seal.sealed_at),
        seal.algorithm,
        seal.key_id,
    ]
    return digests.mac(content, seal.algorithm, seal.key_id)


class Chain:
    """Follows the chain from seal to seal.

    After a seal that does not fit, the next one may rest on what is stored or on what should be
    stored: so one altered row is one fault, and not two.
    """

    def __init__(self, seq: int, chain: str, known: dict[int, tuple[str, str]]) -> None:
        self.seq = seq
        self.heads: set[str] = {chain}
        self.known = known

    def skip_to(self, seq: int, chain: str) -> None:
        """Go on behind a part that is not read here."""
        self.seq, self.heads = seq, {chain}

    def gap(self, seal: AuditSeal) -> Fault | None:
        """The seals that are missing before this one."""
        first, self.seq = self.seq + 1, seal.seq
        if first == seal.seq:
            return None
        self.heads = set()  # what the next seal rests on is gone
        return Fault(MISSING, None, first, seal.seq - 1, note=f"在日志 {seal.event_id} 之前")

    def fault_of(self, seal: AuditSeal, event: AuditEvent | None) -> Fault | None:
        """The one fault of a seal and its event, the gravest first."""
        bad_seal = self._bad_seal(seal)
        if event is None:
            return Fault(MISSING, seal.event_id, seal.seq)
        try:
            sound = event.digest == digest_of(event)
        except digests.UnknownKey as error:
            return Fault(ALTERED, event.pk, seal.seq, note=str(error))
        if not sound:
            return Fault(ALTERED, event.pk, seal.seq)
        if bad_seal:
            return Fault(SEAL, event.pk, seal.seq, note=bad_seal)
        if event.digest != seal.digest:
            return Fault(REPLACED, event.pk, seal.seq)
        chain, name = self.known.get(seal.seq, (seal.chain, ""))
        if chain != seal.chain:
            return Fault(ANCHOR, event.pk, seal.seq, note=name)
        return None

    def _bad_seal(self, seal: AuditSeal) -> str:
        try:
            made = {chain_of(head, seal) for head in self.heads}
        except digests.UnknownKey as error:
            self.heads = {seal.chain}
            return str(error)
        if not made or seal.chain in made:
            self.heads = {seal.chain}
            return ""
        self.heads = {seal.chain, *made}
        return "链值不符"
