"""What a production start must not lack, and the library without which documents crawl.

`manage.py check --deploy` lists these in any environment. With EMAILSEC_ENV=production every
process (web, worker, scheduler, management command) refuses to start while one of them is open:
a demo secret that happens to work is the most common way in.
"""

import ctypes
import ctypes.util
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured

from audit.digests import ALGORITHMS
from emailsec.lib.vault import key_problem

# Passwords that examples, images and habits hand round; the account's own name counts as well.
COMMON_PASSWORDS = frozenset(
    {"postgres", "password", "passw0rd", "admin", "root", "redis", "secret", "changeme"}
    | {"change-me", "emailsec", "test", "guest", "default", "example"}
    | {"123456", "12345678", "123456789", "1234567890", "123456789012"}
)
SHORTEST_SECRET = 50  # as Django asks of SECRET_KEY
SHORTEST_PASSWORD = 12
HARFBUZZ_SUBSET = "libharfbuzz-subset.so.0"


def _secrets() -> Iterator[Error]:
    key = settings.SECRET_KEY
    if key == settings.DEMO_SECRET_KEY or key.startswith("django-insecure"):
        yield Error(
            "SECRET_KEY 仍是演示用的密钥",
            hint="生成随机密钥，写入文件并用 SECRET_KEY_FILE 指定（deploy/make-secrets 会生成）。",
            id="emailsec.E001",
        )
    elif len(key) < SHORTEST_SECRET:
        yield Error(f"SECRET_KEY 不足 {SHORTEST_SECRET} 个字符", id="emailsec.E001")
    if key == settings.AUDIT_KEY:
        yield Error(
            "AUDIT_KEY 与 SECRET_KEY 相同",
            hint="审计日志须用单独的密钥：AUDIT_KEY_FILE。",
            id="emailsec.E002",
        )
    elif len(settings.AUDIT_KEY) < SHORTEST_SECRET:
        yield Error(f"AUDIT_KEY 不足 {SHORTEST_SECRET} 个字符", id="emailsec.E002")
    if settings.AUDIT_DIGEST not in ALGORITHMS:
        yield Error(
            f"AUDIT_DIGEST 不认识：{settings.AUDIT_DIGEST}",
            hint=f"可用：{'、'.join(ALGORITHMS)}。",
            id="emailsec.E012",
        )
    yield from _file_keys()
    factor_keys = settings.FACTOR_KEYS
    if {key, settings.AUDIT_KEY}.intersection(factor_keys) or not factor_keys:
        yield Error(
            "FACTOR_KEYS 没有单独设置",
            hint="二次验证的密钥在数据库中用它加密：FACTOR_KEYS_FILE。",
            id="emailsec.E015",
        )
    elif min(map(len, factor_keys)) < SHORTEST_SECRET:
        yield Error(f"FACTOR_KEYS 中有不足 {SHORTEST_SECRET} 个字符的", id="emailsec.E015")
    if settings.DEBUG:
        yield Error("DEBUG 已打开，会向任何人显示内部数据", id="emailsec.E003")


def _file_keys() -> Iterator[Error]:
    hint = "deploy/make-secrets 会生成；每行一个，第一个用来加密。FILE_KEYS_FILE 指定文件。"
    if not settings.FILE_KEYS:
        yield Error("没有设置 FILE_KEYS，上传的文件无法加密存放", hint=hint, id="emailsec.E014")
    for place, key in enumerate(settings.FILE_KEYS, start=1):
        if problem := key_problem(key):
            yield Error(f"FILE_KEYS 的第 {place} 个{problem}", hint=hint, id="emailsec.E014")


def _log_in() -> Iterator[Error]:
    if not settings.SECOND_FACTOR_REQUIRED:
        yield Error(
            "监管机关和三员登录不要求二次验证",
            hint="去掉 SECOND_FACTOR_REQUIRED，或设为 1；只有演示环境可以不要求。",
            id="emailsec.E016",
        )


def _weak(password: str, account: str) -> str:
    """What is wrong with a service's password, in Chinese; empty when nothing is."""
    if not password:
        return "没有口令"
    if password.lower() in COMMON_PASSWORDS | {account.lower()}:
        return "仍是默认口令"
    if len(password) < SHORTEST_PASSWORD:
        return f"的口令不足 {SHORTEST_PASSWORD} 个字符"
    return ""


def _stores() -> Iterator[Error]:
    database = settings.DATABASES["default"]
    if not database["ENGINE"].endswith(".postgresql"):
        yield Error(
            "数据库不是 PostgreSQL",
            hint="用 DATABASE_URL 或 DATABASE_URL_FILE 指定；内置的 SQLite 只用于演示。",
            id="emailsec.E004",
        )
    elif fault := _weak(database.get("PASSWORD") or "", database.get("USER") or ""):
        yield Error(f"数据库账号{fault}", id="emailsec.E005")
    if not settings.REDIS_URL:
        yield Error(
            "没有设置 REDIS_URL",
            hint="内置的文件队列只用于演示；用 REDIS_URL 或 REDIS_URL_FILE 指定。",
            id="emailsec.E006",
        )
    else:
        redis = urlsplit(settings.REDIS_URL)
        if fault := _weak(unquote(redis.password or ""), redis.username or ""):
            yield Error(f"Redis {fault}", id="emailsec.E007")


def _scanning() -> Iterator[Error]:
    path = Path(settings.SCAN_POLICY_FILE)
    try:
        policy = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        yield Error(f"探测策略 {path.name} 无法读取：{error}", id="emailsec.E008")
    else:
        if policy.get("practice"):
            yield Error(
                f"探测策略 {path.name} 是演练靶场的策略",
                hint="去掉 SCAN_POLICY_FILE，或指向正式策略。",
                id="emailsec.E008",
            )
    if settings.PRACTICE_RANGE_FILE:
        yield Error("设置了演练靶场（PRACTICE_RANGE_FILE）", id="emailsec.E009")


def _addresses() -> Iterator[Error]:
    if not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS:
        yield Error("ALLOWED_HOSTS 没有写明门户的主机名", id="emailsec.E010")
    if urlsplit(settings.PUBLIC_URL).scheme != "https":
        yield Error(
            "PUBLIC_URL 不是 https 地址",
            hint="文书上的核验地址由它生成。",
            id="emailsec.E011",
        )


def _unified_login() -> Iterator[Error]:
    if not settings.UNIFIED_LOGIN:
        return
    named = [
        *("OIDC_ISSUER", "OIDC_OP_AUTHORIZATION_ENDPOINT", "OIDC_OP_TOKEN_ENDPOINT"),
        "OIDC_OP_JWKS_ENDPOINT",
    ]
    if settings.OIDC_OP_LOGOUT_ENDPOINT:
        named.append("OIDC_OP_LOGOUT_ENDPOINT")
    for name in named:
        if urlsplit(getattr(settings, name)).scheme != "https":
            yield Error(f"统一身份认证的 {name} 不是 https 地址", id="emailsec.E030")
    if not settings.OIDC_RP_CLIENT_ID or not settings.OIDC_RP_CLIENT_SECRET:
        yield Error(
            "统一身份认证没有客户端标识或密钥",
            hint="设置 OIDC_RP_CLIENT_ID 和 OIDC_RP_CLIENT_SECRET_FILE。",
            id="emailsec.E031",
        )
    if settings.OIDC_RP_SIGN_ALGO[:2] not in ("RS", "ES"):
        yield Error(
            f"统一身份认证的签名算法 {settings.OIDC_RP_SIGN_ALGO} 不是非对称算法",
            hint="用 RS256 或 ES256，签名由认证方公布的公钥核验。",
            id="emailsec.E032",
        )


def _client_certificates() -> Iterator[Error]:
    secret = settings.CLIENT_CERT_PROXY_SECRET
    if secret and len(secret) < SHORTEST_SECRET:
        yield Error(
            f"CLIENT_CERT_PROXY_SECRET 不足 {SHORTEST_SECRET} 个字符",
            hint="谁知道它，谁就能冒充代理转交证书；用 CLIENT_CERT_PROXY_SECRET_FILE 指定随机值。",
            id="emailsec.E033",
        )


def production_problems() -> list[Error]:
    """All that keeps these settings from being fit for production; empty when nothing does."""
    return [
        *_secrets(),
        *_log_in(),
        *_stores(),
        *_scanning(),
        *_addresses(),
        *_unified_login(),
        *_client_certificates(),
    ]


@register(Tags.security, deploy=True)
def production_is_safe(
    app_configs: Sequence[AppConfig] | None, **_kwargs: Any
) -> list[CheckMessage]:
    """`check --deploy`: the problems, also outside production, where they are expected."""
    return list(production_problems())


def harfbuzz_subset_loads() -> bool:
    """Whether the library is there that makes a Chinese document 0.5 s of work instead of 9 s."""
    for name in (HARFBUZZ_SUBSET, ctypes.util.find_library("harfbuzz-subset")):
        try:
            if name and ctypes.CDLL(name):
                return True
        except OSError:
            continue
    return False


@register
def documents_can_be_set(
    app_configs: Sequence[AppConfig] | None, **_kwargs: Any
) -> list[CheckMessage]:
    """Without the library WeasyPrint falls back with only a log line; here it is loud."""
    if harfbuzz_subset_loads():
        return []
    return [
        Error(
            f"缺少 {HARFBUZZ_SUBSET}，生成一份文书会从 0.5 秒变为约 9 秒",
            hint="执行：sudo apt-get install -y libharfbuzz-subset0",
            id="emailsec.E020",
        )
    ]


def refuse_unsafe_production() -> None:
    """Called by every process as it starts.

    Raises ImproperlyConfigured, naming every problem at once, in an unsafe production.
    """
    if not settings.PRODUCTION:
        return
    problems = [*production_problems(), *documents_can_be_set(None)]
    if problems:
        lines = [f"  {p.id} {p.msg}" + (f"。{p.hint}" if p.hint else "") for p in problems]
        raise ImproperlyConfigured("生产环境拒绝启动：\n" + "\n".join(lines))
