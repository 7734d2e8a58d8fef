"""A host on loopback that answers autosave.js as the portal does, and misbehaves on order."""

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from django.template import engines

STATIC = Path(__file__).resolve().parents[2] / "static"

PAGE = Path(__file__).with_name("sheet.tmpl")

NAMES = {
    ("M-601", "main"): "key",
    ("M-603", "note"): "text",
    ("M-604", "multi"): "multi",
    ("U-120", "people"): "rows",
}


@dataclass
class Host:
    """What the host remembers and how it is told to behave.

    mode: ok, login (302 to the login page), unauthorized, csrf, error (500), garbage (200, not
    JSON), refuse (422), forget (422, and keep no copy), frozen (403), drop (saves, then cuts the
    line before answering).
    """

    mode: str = "ok"
    delay: float = 0.0
    owner: str = "7"
    hidden: bool = True
    own: bool = False  # a conflict is with the same person's other window
    extra: dict[str, Any] = field(default_factory=dict)
    values: dict[str, list[str]] = field(
        default_factory=lambda: {"key": [], "text": [""], "multi": [], "rows": []}
    )
    versions: dict[str, int] = field(
        default_factory=lambda: {"key": 0, "text": 3, "multi": 0, "rows": 0}
    )
    saves: list[dict[str, Any]] = field(default_factory=list)
    posts: list[str] = field(default_factory=list)
    uploads: list[bytes] = field(default_factory=list)
    uploading: int = 0
    most_uploading: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def page(self) -> str:
        template = engines["django"].from_string(PAGE.read_text())
        return template.render(
            {
                "owner": self.owner,
                "hidden": self.hidden,
                "choices": [("yes", "是"), ("partial", "部分"), ("no", "否"), ("na", "不适用")],
                "v": self.versions,
                "values": {
                    "key": "".join(self.values["key"]),
                    "text": "".join(self.values["text"]),
                    "multi": self.values["multi"],
                },
            }
        )

    def other_person_saves(self, name: str, *values: str) -> None:
        """A second person's save: the value changes and the version goes up."""
        with self.lock:
            self.values[name] = list(values)
            self.versions[name] += 1

    def save(self, form: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        name = NAMES[form["item"][0], form["field"][0]]
        values, version = form.get("value", []), int(form["version"][0])
        if self.mode == "refuse":
            return 422, {"error": "数字应在 0 到 100 之间。"}
        if self.mode == "forget":
            return 422, {"error": "内容带有密级标志，没有保存。", "forget": True}
        if self.mode == "frozen":
            return 403, {"error": "自查已提交审签，不能再改。"}
        with self.lock:
            if version != self.versions[name]:
                return 409, {
                    "version": self.versions[name],
                    "value": self.values[name],
                    "by": "张三",
                    "at": "2026-11-24T14:31:10+08:00",
                    "own": self.own,
                }
            self.values[name] = values
            self.versions[name] += 1
            answer = {"version": self.versions[name], "saved_at": "2026-11-24T14:32:05+08:00"}
        return 200, {**answer, **self.extra}


def _handler(host: Host) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            pass

        def answer(
            self,
            status: int,
            body: bytes | str | dict[str, Any],
            kind: str = "text/html",
            **headers: str,
        ) -> None:
            if isinstance(body, dict):
                body, kind = json.dumps(body), "application/json"
            data = body.encode() if isinstance(body, str) else body
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(data)))
            for key, value in headers.items():
                self.send_header(key.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:
            if self.path.startswith("/static/"):
                file = STATIC / self.path.removeprefix("/static/")
                kind = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
                return self.answer(200, file.read_bytes(), kind[file.suffix[1:]])
            if self.path == "/":
                return self.answer(200, host.page(), Set_Cookie="csrftoken=from-the-cookie; Path=/")
            return self.answer(200, f"<title>{self.path}</title>")

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            host.posts.append(self.path)
            if self.path == "/save/":
                return self.do_save(raw)
            if self.path == "/upload/":
                with host.lock:
                    host.uploading += 1
                    host.most_uploading = max(host.most_uploading, host.uploading)
                time.sleep(0.15)
                with host.lock:
                    host.uploading -= 1
                    host.uploads.append(raw)
                    rows = "".join(f"<li>文件{n + 1}</li>" for n in range(len(host.uploads)))
                return self.answer(200, {"html": rows})
            time.sleep(host.delay)
            return self.answer(200, f"<title>{self.path}</title>")

        def do_save(self, raw: bytes) -> None:
            form = parse_qs(raw.decode(), keep_blank_values=True)
            host.saves.append({"mode": host.mode, "token": self.headers["X-CSRFToken"], **form})
            time.sleep(host.delay)
            if host.mode == "login":
                return self.answer(302, "", Location="/login/?next=/save/")
            if host.mode == "unauthorized":
                return self.answer(401, {"error": "请登录"})
            if host.mode == "csrf":
                return self.answer(403, {"reason": "csrf", "error": "页面已过期"})
            if host.mode == "error":
                return self.answer(500, "<h1>Server Error</h1>")
            if host.mode == "garbage":
                return self.answer(200, "<title>登录</title>")
            status, answer = host.save(form)
            if host.mode == "drop":
                self.close_connection = True
                self.connection.close()
                return None
            return self.answer(status, answer)

    return Handler
