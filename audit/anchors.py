"""What is known of the chain outside the database: its head after each sealing, and daily anchors.

Whoever deletes the newest events together with their seals, or owns the audit key and writes the
whole chain anew, cannot do so to a copy of an anchor that lies on another machine.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

from django.conf import settings
from django.utils import timezone

from audit import digests
from audit.models import AuditSeal

HEAD: Final = "head.json"


@dataclass(frozen=True)
class Anchor:
    """One state of the chain. As seals are numbered without a gap, `seq` is also their count.

    Attributes:
        date: the day in the office's time zone, ISO 8601.
        seq, event_id, chain: of the newest seal on that day.
        line: the same for people, and `sha256` its plain digest, which needs no key to be checked.
        mac: keyed digest of the line.
    """

    date: str
    seq: int
    event_id: int
    chain: str
    algorithm: str
    key_id: str
    line: str
    sha256: str
    mac: str

    def fault(self) -> str:
        """What is wrong with the file itself, in Chinese; empty when nothing is."""
        if self.line != _line(self.date, self.seq, self.event_id, self.chain):
            return "内容前后不一致"
        if self.sha256 != hashlib.sha256(self.line.encode()).hexdigest():
            return "SHA-256 不符"
        try:
            good = self.mac == digests.mac([self.line], self.algorithm, self.key_id)
        except digests.UnknownKey:
            return "没有它的密钥"
        return "" if good else "签名不符"


def _line(date: str, seq: int, event_id: int, chain: str) -> str:
    return f"{date} seq={seq} event={event_id} chain={chain}"


def of_seal(seal: AuditSeal) -> Anchor:
    """The anchor that says: today the chain reaches to this seal."""
    algorithm, key_id = digests.current()
    date = timezone.localdate().isoformat()
    line = _line(date, seal.seq, seal.event_id, seal.chain)
    return Anchor(
        date=date,
        seq=seal.seq,
        event_id=seal.event_id,
        chain=seal.chain,
        algorithm=algorithm,
        key_id=key_id,
        line=line,
        sha256=hashlib.sha256(line.encode()).hexdigest(),
        mac=digests.mac([line], algorithm, key_id),
    )


def folder() -> Path:
    """Where the anchors lie; made when missing."""
    made = Path(settings.AUDIT_DIR) / "anchors"
    made.mkdir(parents=True, exist_ok=True)
    return made


def write_whole(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file that is either there as a whole or not at all, also after a power cut."""
    with NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=f"{path.name}.", suffix=".new", delete=False
    ) as file:
        json.dump(content, file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
    os.replace(file.name, path)


def note_head(seal: AuditSeal) -> None:
    """Keep the newest seal outside the database; called by the sealer after its commit.

    A head that the chain no longer holds is kept as an anchor before it makes room: whoever takes
    away the newest events with their seals is still found after the next sealing.
    """
    with _alone():
        path = folder() / HEAD
        known = _head(path)
        if known:
            held = AuditSeal.objects.filter(seq=known.seq, chain=known.chain).exists()
            if held and known.seq >= seal.seq:
                return  # another sealer came after this one and was quicker
            if not held and not _file_of(known).exists():
                path.replace(_file_of(known))
        write_whole(path, asdict(of_seal(seal)))


def _head(path: Path) -> Anchor | None:
    try:
        return read(path)
    except (OSError, ValueError):
        return None  # verification tells of a file that is no anchor


@contextmanager
def _alone() -> Iterator[None]:
    """Hold the folder against other sealers of this machine."""
    with (folder() / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _file_of(anchor: Anchor) -> Path:
    return folder() / f"anchor-{anchor.date}-{anchor.seq:012d}.json"


def write() -> Path | None:
    """Write the anchor of today and return its file; None while nothing is sealed.

    An anchor is never overwritten: the same head on the same day is the same file.
    """
    seal = AuditSeal.objects.order_by("-seq").first()
    if seal is None:
        return None
    anchor = of_seal(seal)
    path = _file_of(anchor)
    if not path.exists():
        write_whole(path, asdict(anchor))
    return path


def due() -> bool:
    """Whether today has no anchor yet."""
    return not any(folder().glob(f"anchor-{timezone.localdate().isoformat()}-*.json"))


def read(path: Path) -> Anchor:
    """Read one file; raises ValueError, naming it, where it is no anchor."""
    try:
        return Anchor(**json.loads(path.read_text(encoding="utf-8")))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path.name}: {error}") from None


def every() -> Iterator[tuple[Path, Anchor | str]]:
    """All anchors and the head, each with its file; the text of its fault for an unsound one."""
    paths = sorted(folder().glob("anchor-*.json")) + sorted(folder().glob(HEAD))
    for path in paths:
        try:
            anchor = read(path)
        except ValueError as error:
            yield path, str(error)
        else:
            yield path, anchor.fault() or anchor


def latest() -> Anchor | None:
    """The newest daily anchor that is sound."""
    for path in sorted(folder().glob("anchor-*.json"), reverse=True):
        try:
            found = read(path)
        except ValueError:
            continue
        if not found.fault():
            return found
    return None
