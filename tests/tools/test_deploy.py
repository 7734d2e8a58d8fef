"""The production files: checked by Compose, hadolint, Unbound and a real PostgreSQL, no engine."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import psycopg2
import pytest
from django.conf import settings

from emailsec import checks
from tools import services

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
UNBOUND_CHECKCONF = shutil.which("unbound-checkconf", path="/usr/sbin:/usr/local/sbin:/usr/bin")


def compose(tmp_path: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Compose on a copy of the file, so that no .env of this checkout answers for a user."""
    shutil.copy(ROOT / "docker-compose.yml", tmp_path)
    return subprocess.run(
        [BIN / "docker-compose", "--project-directory", tmp_path, *arguments],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


NAMES = {
    "PORTAL_HOST": "portal.example.test",
    "SCAN_CONTROL_DOMAIN": "own.example.test",
    "SCAN_SOURCE_ADDRESSES": "192.0.2.10",
}


@pytest.fixture
def plan(tmp_path: Path) -> dict:
    """The file as Compose understands it, merged and with its variables filled in."""
    done = compose(tmp_path, "config", "--format=json", **NAMES)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_compose_accepts_the_file_without_a_word(tmp_path: Path) -> None:
    done = compose(tmp_path, "config", "--quiet", **NAMES)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("missing", sorted(NAMES))
def test_compose_asks_for_what_only_the_office_knows(tmp_path: Path, missing: str) -> None:
    done = compose(
        tmp_path, "config", "--quiet", **{k: v for k, v in NAMES.items() if k != missing}
    )
    assert done.returncode != 0
    assert missing in done.stderr


def test_all_processes_are_there(plan: dict) -> None:
    assert set(plan["services"]) == {
        "migrate", "web", "worker", "beat", "postgres", "redis", "resolver",
    }  # fmt: skip


def test_no_secret_stands_in_the_file(plan: dict) -> None:
    """Whatever sounds like a secret is the path of a mounted file."""
    for service in plan["services"].values():
        for name, value in (service.get("environment") or {}).items():
            if re.search(r"KEY|PASSWORD|DATABASE_URL|REDIS_URL", name):
                assert name.endswith("_FILE"), name
                assert value.startswith("/run/secrets/"), name
                mounted = {secret["source"] for secret in service["secrets"]}
                assert Path(value).name in mounted


def test_only_who_must_gets_out(plan: dict) -> None:
    ways_out = {name for name, network in plan["networks"].items() if not network.get("internal")}
    assert ways_out == {"front", "scan"}
    reach = {
        name: set(service["networks"]) & ways_out for name, service in plan["services"].items()
    }
    assert reach == {
        "web": {"front"},
        "worker": {"scan"},
        "resolver": {"scan"},
        "migrate": set(),
        "beat": set(),
        "postgres": set(),
        "redis": set(),
    }


def test_only_the_loopback_address_is_published(plan: dict) -> None:
    ports = [port for service in plan["services"].values() for port in service.get("ports", [])]
    assert [(port["host_ip"], port["published"]) for port in ports] == [("127.0.0.1", "8000")]


def test_every_container_is_confined(plan: dict) -> None:
    for name, service in plan["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert service.get("read_only") or name == "postgres", name


def test_no_container_can_fill_the_host(plan: dict) -> None:
    """Memory, processes and logs of each are limited."""
    for name, service in plan["services"].items():
        assert 0 < int(service["mem_limit"]) <= 2 * 1024**3, name
        assert 0 < service["pids_limit"] <= 300, name
        assert service["logging"]["driver"] == "json-file", name
        assert set(service["logging"]["options"]) == {"max-size", "max-file"}, name


def test_resolver_and_scanner_agree_on_the_address(plan: dict) -> None:
    address = plan["services"]["resolver"]["networks"]["scan"]["ipv4_address"]
    configuration = (ROOT / "deploy" / "unbound.conf").read_text()
    port = re.search(r"interface: 0\.0\.0\.0@(\d+)", configuration)
    assert port is not None
    assert plan["services"]["worker"]["environment"]["SCAN_RESOLVER"] == f"{address}:{port[1]}"
    subnet = plan["networks"]["scan"]["ipam"]["config"][0]["subnet"]
    assert f"access-control: {subnet} allow" in configuration


def test_hadolint_has_nothing_to_say() -> None:
    done = subprocess.run(
        [BIN / "hadolint", "--no-color", ROOT / "Dockerfile"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def local_apps() -> set[str]:
    return {app for app in settings.INSTALLED_APPS if (ROOT / app.partition(".")[0]).is_dir()}


def test_image_holds_every_app_and_not_the_practice_range() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    copied = set(re.findall(r"^COPY (\w+) \./\1$", dockerfile, re.MULTILINE))
    assert local_apps() <= copied
    assert not copied & {"practice", "tests"}
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {f"!{name}" for name in copied} <= set(ignored)


def test_image_has_the_libraries_that_documents_need() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    for package in ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0", "fonts-noto-cjk"):
        assert package in dockerfile
    minimum = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert minimum == ">=3.11"
    assert "FROM python:3.11-slim-bookworm" in dockerfile


@pytest.mark.skipif(UNBOUND_CHECKCONF is None, reason="unbound is not installed")
def test_unbound_accepts_its_configuration(tmp_path: Path) -> None:
    """The image's trust anchor comes from a package of its own; a copy stands in for it."""
    anchor = tmp_path / "root.key"
    anchor.write_text(
        ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n"
    )
    text = (ROOT / "deploy" / "unbound.conf").read_text()
    assert "/usr/share/dns/root.key" in text
    copy = tmp_path / "unbound.conf"
    copy.write_text(text.replace("/usr/share/dns/root.key", str(anchor)))
    done = subprocess.run(
        [str(UNBOUND_CHECKCONF), str(copy)], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    folder = tmp_path / "secrets"
    subprocess.run([ROOT / "deploy" / "make-secrets", folder], check=True, capture_output=True)
    return folder


def test_made_secrets_are_strong_and_closed(secrets: Path) -> None:
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    words = {file.name: file.read_text() for file in secrets.iterdir()}
    random = {name: word for name, word in words.items() if re.fullmatch(r"[0-9a-f]{64}", word)}
    assert len(set(random.values())) == len(random) == 7
    for name in ("postgres_web_password", "redis_password"):
        assert checks._weak(words[name], "emailsec_web") == ""
    assert words["postgres_web_password"] in words["database_url"]
    assert words["postgres_owner_password"] in words["database_owner_url"]


def test_made_secrets_are_kept_by_a_second_call(secrets: Path) -> None:
    before = {file.name: file.read_text() for file in secrets.iterdir()}
    (secrets / "redis_url").unlink()
    subprocess.run([ROOT / "deploy" / "make-secrets", secrets], check=True, capture_output=True)
    assert {file.name: file.read_text() for file in secrets.iterdir()} == before


def test_every_mounted_secret_is_made(plan: dict, secrets: Path) -> None:
    assert {Path(entry["file"]).name for entry in plan["secrets"].values()} == {
        file.name for file in secrets.iterdir()
    }


@pytest.mark.slow
def test_web_role_reads_and_writes_rows_but_changes_no_table(secrets: Path) -> None:
    programs = services.postgres_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server programs")
    with services.own_postgres(programs) as url:
        subprocess.run(
            ["psql", url, "--quiet", "--file", ROOT / "deploy" / "postgres-roles.sql"],
            env={**os.environ, "SECRETS_DIR": str(secrets)},
            check=True,
            capture_output=True,
        )
        place = url.rpartition("@")[2].partition("/")[0]
        owner_url, web_url = (
            (secrets / name).read_text().replace("@postgres/", f"@{place}/")
            for name in ("database_owner_url", "database_url")
        )
        owner, web = psycopg2.connect(owner_url), psycopg2.connect(web_url)
        owner.autocommit = web.autocommit = True
        with owner.cursor() as cursor:
            cursor.execute("CREATE TABLE unit (id serial PRIMARY KEY, name text)")
        with web.cursor() as cursor:
            cursor.execute("INSERT INTO unit (name) VALUES ('甲单位') RETURNING id")
            assert cursor.fetchone() == (1,)
            cursor.execute("UPDATE unit SET name = '乙单位'")
            cursor.execute("SELECT name FROM unit")
            assert cursor.fetchall() == [("乙单位",)]
            cursor.execute("DELETE FROM unit")
            for forbidden in (
                "DROP TABLE unit",
                "ALTER TABLE unit ADD COLUMN x int",
                "TRUNCATE unit",
                "CREATE TABLE other (id int)",
            ):
                with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                    cursor.execute(forbidden)
        owner.close()
        web.close()
