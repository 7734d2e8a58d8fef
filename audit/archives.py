"""Old events leave the database for signed files, and only by way of a file that was read back.

An archive is two files: the rows, one JSON object a line (gzip), and a small manifest that says
between which links of the chain they belong. With the manifest alone the chain still holds
together; with the rows as well every single event is verified again.
"""

import datetime as dt
import gzip
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from audit import digests, guards
from audit.anchors import write_whole
from audit.chain import Chain
from audit.models import AuditEvent, AuditSeal
from audit.policy import policy
from audit.trail import SYSTEM, record
from emailsec.lib.workdays import OFFICE_ZONE

BATCH: Final = 2000


class NotArchived(Exception):
    """Nothing was taken out of the database; the text says why, in Chinese."""


@dataclass(frozen=True)
class Archive:
    """The manifest of one archive."""

    first_seq: int
    last_seq: int
    chain_before: str
    chain_after: str
    rows_sha256: str
    written_at: str
    algorithm: str
    key_id: str
    mac: str = ""

    @property
    def name(self) -> str:
        return f"archive-{self.first_seq:012d}-{self.last_seq:012d}"

    @property
    def path(self) -> Path:
        """The file of the rows."""
        return folder() / f"{self.name}.jsonl.gz"

    def signature(self) -> str:
        """The keyed digest of all the rest."""
        content = {key: value for key, value in asdict(self).items() if key != "mac"}
        return digests.mac([content], self.algorithm, self.key_id)

    @property
    def is_signed(self) -> bool:
        """Whether the portal itself wrote the manifest."""
        return not self._signature_fault()

    def _signature_fault(self) -> str:
        try:
            return "" if self.mac == self.signature() else "签名不符"
        except digests.UnknownKey:
            return "没有它的密钥"

    def fault(self) -> str:
        """What is wrong with its files, in Chinese; empty when nothing is."""
        if problem := self._signature_fault():
            return problem
        if self.path.exists() and _sha256(self.path) != self.rows_sha256:
            return "内容文件被改动"
        return ""

    def rows(self) -> Iterator[tuple[AuditSeal, AuditEvent | None]]:
        """Its rows in the order of the chain; ends early where the file is broken."""
        try:
            with gzip.open(self.path, "rt", encoding="utf-8") as file:
                for line in file:
                    row = json.loads(line)
                    yield AuditSeal(**_read(row["seal"])), AuditEvent(**_read(row["event"]))
        except (OSError, EOFError, ValueError, TypeError, KeyError):
            return


def _read(values: dict[str, Any]) -> dict[str, Any]:
    """Moments are written as text."""
    for name in ("at", "sealed_at"):
        if name in values:
            values[name] = dt.datetime.fromisoformat(values[name])
    return values


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder() -> Path:
    """Where the archives lie; made when missing."""
    made = Path(settings.AUDIT_DIR) / "archives"
    made.mkdir(parents=True, exist_ok=True)
    return made


def every() -> list[Archive]:
    """All archives whose manifest is here, in the order of the chain."""
    return [made for path in _manifests() if (made := _manifest(path))]


def unreadable() -> list[str]:
    """Names of the files that should be manifests and are none."""
    return [path.name for path in _manifests() if _manifest(path) is None]


def _manifests() -> list[Path]:
    return sorted(folder().glob("archive-*.json"))


def _manifest(path: Path) -> Archive | None:
    try:
        return Archive(**json.loads(path.read_text(encoding="utf-8")))
    except (TypeError, ValueError):
        return None


def last() -> Archive | None:
    """The newest archive."""
    found = every()
    return found[-1] if found else None


def last_signed() -> Archive | None:
    """The newest archive that the portal itself wrote."""
    return next((found for found in reversed(every()) if found.is_signed), None)


def archive(*, before: dt.date) -> Archive:
    """Move what was sealed before a day into an archive; needs the role that owns the tables.

    The rows are deleted only after the finished file was read back and found to be the same rows;
    should anything break off earlier, the database still has them, and the next call begins anew.

    Args:
        before: midnight of that day in the office's time zone is the end.

    Raises:
        NotArchived: too young by the policy, nothing to archive, or rows that are not sound.
    """
    youngest = timezone.localdate() - dt.timedelta(days=policy().live_days)
    if before > youngest:
        raise NotArchived(f"日志须在库中保留 {policy().live_days} 天，最晚可归档到 {youngest}。")
    end = dt.datetime.combine(before, dt.time(), OFFICE_ZONE)
    # The sealer goes on from the newest seal, so that one stays, however old.
    newest = AuditSeal.objects.aggregate(seq=Max("seq"))["seq"]
    old = AuditSeal.objects.filter(sealed_at__lt=end).exclude(seq=newest).order_by("seq")
    first, final = old.first(), old.last()
    if first is None or final is None:
        raise NotArchived("没有可归档的日志。")
    manifest = _write(first, final, _chain_before(first))
    _read_back(manifest)
    _take_out(manifest)
    return manifest


def _chain_before(first: AuditSeal) -> str:
    before = last()
    end = before.last_seq if before else 0
    if before and end >= first.seq:
        raise NotArchived(
            f"归档 {before.name} 与库中的日志重叠：上次归档可能在删除前中断。"
            "请先执行 audit verify，确认后移走该归档的两个文件再试。"
        )
    if end != first.seq - 1:
        raise NotArchived(f"封存序号 {end + 1} 至 {first.seq - 1} 不在库中，也没有归档。")
    return before.chain_after if before else ""


def _write(first: AuditSeal, final: AuditSeal, before: str) -> Archive:
    algorithm, key_id = digests.current()
    made = Archive(
        first_seq=first.seq,
        last_seq=final.seq,
        chain_before=before,
        chain_after=final.chain,
        rows_sha256="",
        written_at=timezone.now().isoformat(),
        algorithm=algorithm,
        key_id=key_id,
    )
    fresh = made.path.with_suffix(".new")
    with fresh.open("wb") as raw, gzip.open(raw, "wt", encoding="utf-8") as file:
        for seal, event in _live(first.seq, final.seq):
            line = {"seal": _values(seal), "event": _values(event)}
            file.write(json.dumps(line, cls=_Encoder, ensure_ascii=False) + "\n")
    with fresh.open("rb") as file:
        os.fsync(file.fileno())
    fresh.replace(made.path)
    made = Archive(**asdict(made) | {"rows_sha256": _sha256(made.path)})
    return Archive(**asdict(made) | {"mac": made.signature()})


class _Encoder(DjangoJSONEncoder):
    """Moments to the microsecond, which the digests need; Django's stops at milliseconds."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if isinstance(o, dt.datetime) else super().default(o)


def _values(row: AuditSeal | AuditEvent) -> dict[str, Any]:
    return {f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields}


def _live(first: int, final: int) -> Iterator[tuple[AuditSeal, AuditEvent]]:
    for start in range(first, final + 1, BATCH):
        span = (start, min(start + BATCH - 1, final))
        seals = list(AuditSeal.objects.filter(seq__range=span).order_by("seq"))
        events = AuditEvent.objects.in_bulk([seal.event_id for seal in seals])
        if len(seals) != span[1] - span[0] + 1 or len(events) != len(seals):
            raise NotArchived("有日志缺失，未归档。请先执行 audit verify 查明。")
        for seal in seals:
            yield seal, events[seal.event_id]


def _read_back(manifest: Archive) -> None:
    """Verify the finished file as `audit verify` will, before anything is deleted."""
    chain = Chain(manifest.first_seq - 1, manifest.chain_before, {})
    for seal, event in manifest.rows():
        if fault := chain.gap(seal) or chain.fault_of(seal, event):
            raise NotArchived(f"有日志不可信，未归档：{fault}。")
    if chain.seq != manifest.last_seq or chain.heads != {manifest.chain_after}:
        raise NotArchived("归档文件读回后不完整，未归档。")


def _take_out(manifest: Archive) -> None:
    seals = AuditSeal.objects.filter(seq__range=(manifest.first_seq, manifest.last_seq))
    count = manifest.last_seq - manifest.first_seq + 1
    with transaction.atomic():
        with guards.archiving():
            ids = seals.values("event_id")
            events = AuditEvent.objects.filter(pk__in=ids)._raw_delete("default")
            if (events, seals._raw_delete("default")) != (count, count):
                raise NotArchived("库中的日志在归档期间发生变化，未归档。")
        record(
            "audit.archive",
            None,
            by=SYSTEM,
            label=manifest.name,
            details={"rows": count, "sha256": manifest.rows_sha256},
        )
        # Last: a manifest without the deletion is harmless, a deletion without it is not.
        write_whole(folder() / f"{manifest.name}.json", asdict(manifest))
