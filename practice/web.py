"""The webmail: one request a connection, a log-in page that lets nobody in, the MTA-STS policy."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from practice.ledger import Account
from practice.tables import Web

LOGIN_PAGE = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>网页邮箱 - {domain}</title></head>
<body><h1>{domain} 网页邮箱</h1><p>演练靶场：任何账号都无法登录，也不会保存输入内容。</p>
<form method="post" action="/login"><label>用户名 <input name="user" autocomplete="off"></label>
<label>密码 <input name="password" type="password" autocomplete="off"></label>
<button>登录</button></form></body></html>
"""


class WebServer:
    """One HTTP or HTTPS connection.

    Arguments: `account` of the host; `web` from the posture; `domain` as A-label and `unicode` for
    the page; `canary` address for the posture that redirects there; `mx` host names for the MTA-STS
    policy; `secure` on 443.
    """

    def __init__(
        self,
        account: Account,
        web: Web,
        domain: str,
        unicode: str,
        canary: str,
        mx: tuple[str, ...],
        secure: bool,
    ) -> None:
        self.account = account
        self.web = web
        self.domain = domain
        self.unicode = unicode
        self.canary = canary
        self.mx = mx
        self.secure = secure

    async def run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Reads one request and answers it."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request, *lines = head.split("\r\n")
        method, _, target = request.partition(" ")
        path = target.rpartition(" ")[0] or target
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines if line)
        }
        host = headers.get("host", "").partition(":")[0].lower() or f"mail.{self.domain}"
        self.account.commands[method.upper()] += 1
        status, extra, body = self.answer(method.upper(), host, path.partition("?")[0])
        payload = body.encode("utf-8")
        fields = {
            "Server": self.web.server,
            "Content-Type": "text/html; charset=utf-8",
            "Content-Length": str(len(payload)),
            "Connection": "close",
        }
        if self.secure and self.web.hsts:
            fields["Strict-Transport-Security"] = self.web.hsts
        fields |= extra
        reply = f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        reply += "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        writer.write(reply.encode("latin-1") + b"\r\n")
        if method.upper() != "HEAD":
            writer.write(payload)
        await writer.drain()

    def answer(self, method: str, host: str, path: str) -> tuple[HTTPStatus, dict[str, str], str]:
        """Returns status, further header fields and body."""
        if not self.secure and self.web.http != "serve":
            targets = {
                "redirect": f"https://{host}{path}",
                "loop": f"http://{host}{path}",
                "private": f"https://{self.canary}{path}",
            }
            return HTTPStatus.MOVED_PERMANENTLY, {"Location": targets[self.web.http]}, ""
        if method not in ("GET", "HEAD", "POST"):
            return HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": "GET, HEAD, POST"}, ""
        if host == f"mta-sts.{self.domain}":
            if path != "/.well-known/mta-sts.txt":
                return HTTPStatus.NOT_FOUND, {}, ""
            # RFC 8461, 3.2
            lines = ["version: STSv1", "mode: enforce", *(f"mx: {name}" for name in self.mx)]
            body = "".join(line + "\r\n" for line in [*lines, "max_age: 604800"])
            return HTTPStatus.OK, {"Content-Type": "text/plain"}, body
        if method == "POST":
            return HTTPStatus.FORBIDDEN, {}, "演练靶场：任何账号都无法登录。"
        if path == "/":
            return HTTPStatus.OK, {}, LOGIN_PAGE.format(domain=self.unicode)
        return HTTPStatus.NOT_FOUND, {}, ""
