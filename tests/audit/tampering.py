"""Ways to falsify the trail by direct SQL, for whoever owns its tables.

Each takes a cursor and the rows as (seq, event id), and returns the places in the chain that it
falsified. Columns are named, never models: this is what a person with psql would type.
"""

import uuid
from collections.abc import Callable
from typing import Any

Rows = list[tuple[int, int]]
Way = Callable[[Any, Rows], set[int]]

EVENT_COLUMNS = (
    "uid, at, actor_id, actor_label, actor_role, address, action, object_type, object_id,"
    " object_label, details, result, algorithm, key_id, digest"
)


def change(column: str, value: str) -> Way:
    def way(cursor: Any, rows: Rows) -> set[int]:
        seq, event = rows[len(rows) // 3]
        cursor.execute(f"UPDATE audit_auditevent SET {column} = %s WHERE id = %s", [value, event])
        return {seq}

    return way


def drop_event(cursor: Any, rows: Rows) -> set[int]:
    seq, event = rows[len(rows) // 2]
    cursor.execute("DELETE FROM audit_auditevent WHERE id = %s", [event])
    return {seq}


def drop_seal(cursor: Any, rows: Rows) -> set[int]:
    seq, _ = rows[len(rows) // 2]
    cursor.execute("DELETE FROM audit_auditseal WHERE seq = %s", [seq])
    return {seq}


def drop_pairs(first: int, last: int) -> Way:
    """Events with their seals, by their places in the list as Python counts."""

    def way(cursor: Any, rows: Rows) -> set[int]:
        gone = rows[first:last] if last else rows[first:]
        for seq, event in gone:
            cursor.execute("DELETE FROM audit_auditevent WHERE id = %s", [event])
            cursor.execute("DELETE FROM audit_auditseal WHERE seq = %s", [seq])
        return {seq for seq, _ in gone}

    return way


def close_the_gap(cursor: Any, rows: Rows) -> set[int]:
    """Delete one near the end and renumber those behind it."""
    at = len(rows) - 4
    gone = drop_pairs(at, at + 1)(cursor, rows)
    for seq, _ in rows[at + 1 :]:
        cursor.execute("UPDATE audit_auditseal SET seq = %s WHERE seq = %s", [seq - 1, seq])
    return gone | {seq for seq, _ in rows[at:]}


def swap_contents(columns: str) -> Way:
    """Exchange columns between two events."""

    def way(cursor: Any, rows: Rows) -> set[int]:
        (seq_a, a), (seq_b, b) = rows[10], rows[-10]
        cursor.execute(
            f"CREATE TEMPORARY TABLE kept AS SELECT * FROM audit_auditevent WHERE id IN ({a}, {b})"
        )
        if "uid" in columns:
            # Two rows may not have one uid, not even for a moment.
            aside = uuid.uuid4().hex
            cursor.execute("UPDATE audit_auditevent SET uid = %s WHERE id = %s", [aside, b])
            cursor.execute(
                "UPDATE audit_auditevent SET uid = %s WHERE id = %s", [uuid.uuid4().hex, a]
            )
        for event, other in ((a, b), (b, a)):
            cursor.execute(
                f"UPDATE audit_auditevent SET ({columns}) ="
                f" (SELECT {columns} FROM kept WHERE id = {other}) WHERE id = {event}"
            )
        return {seq_a, seq_b}

    return way


def swap_places(cursor: Any, rows: Rows) -> set[int]:
    """Let two events change places in the chain."""
    (seq_a, a), (seq_b, b) = rows[20], rows[21]
    for seq, event in ((seq_a, -1), (seq_b, a), (seq_a, b)):
        cursor.execute("UPDATE audit_auditseal SET event_id = %s WHERE seq = %s", [event, seq])
    return {seq_a, seq_b}


def change_seal(column: str, value: str) -> Way:
    def way(cursor: Any, rows: Rows) -> set[int]:
        seq, _ = rows[len(rows) // 4]
        cursor.execute(f"UPDATE audit_auditseal SET {column} = %s WHERE seq = %s", [value, seq])
        return {seq}

    return way


WAYS: dict[str, Way] = {
    "改动对象": change("object_label", "别的单位"),
    "改动操作人": change("actor_label", "别人"),
    "改动来源地址": change("address", "198.51.100.9"),
    "改动结果": change("result", "failed"),
    "改动内容": change("details", '{"rows": 1}'),
    "改动时间": change("at", "2020-01-01 00:00:00+00:00"),
    "改动摘要": change("digest", "0" * 64),
    "改用别的算法": change("algorithm", "sm3"),
    "改用别的密钥": change("key_id", "00000000"),
    "删除一条": drop_event,
    "删除一条的封存记录": drop_seal,
    "删除中间一条及其封存记录": drop_pairs(100, 101),
    "删除中间一段及其封存记录": drop_pairs(50, 60),
    "删除首条及其封存记录": drop_pairs(0, 1),
    "删除末条": lambda cursor, rows: drop_event(cursor, rows[-1:]),
    "删除末条及其封存记录": drop_pairs(-1, 0),
    "删除末尾一段及其封存记录": drop_pairs(-7, 0),
    "删除后重新编号": close_the_gap,
    "对调两条的内容": swap_contents("object_label, object_id"),
    "对调两条的全部内容": swap_contents(EVENT_COLUMNS),
    "对调两条的顺序": swap_places,
    "改动封存的链值": change_seal("chain", "f" * 64),
    "改动封存的摘要": change_seal("digest", "f" * 64),
    "改动封存时间": change_seal("sealed_at", "2020-01-01 00:00:00+00:00"),
}
