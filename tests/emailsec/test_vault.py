"""Files at rest: what stands on disk, who can read it, and the change of a key."""

import io
import os
import signal
import subprocess
import sys
import time

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from emailsec.lib.uploads import stored_path
from emailsec.lib.vault import UNFINISHED, Unreadable
from tests.files import PDF

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))


@pytest.fixture(autouse=True)
def _keys(settings):
    settings.FILE_KEYS = [OLD]


def keep(content: bytes = PDF, name: str = "a/x.pdf") -> str:
    return default_storage.save(name, ContentFile(content))


def read(name: str) -> bytes:
    with default_storage.open(name) as stream:
        return stream.read()


def on_disk(name: str) -> bytes:
    with open(default_storage.path(name), "rb") as stream:
        return stream.read()


def rotate() -> str:
    out = io.StringIO()
    call_command("rotate_file_keys", stdout=out, stderr=out)
    return out.getvalue()


def test_the_disk_never_holds_the_plain_content():
    name = keep(b"secret words " * 100)
    assert b"secret" not in on_disk(name)
    assert read(name) == b"secret words " * 100
    assert default_storage.size(name) == 1300


def test_the_largest_upload_comes_back(settings):
    content = os.urandom(settings.UPLOAD_MAX_BYTES)
    assert read(keep(content)) == content


def test_a_missing_key_is_named(settings):
    name = keep()
    settings.FILE_KEYS = [NEW]
    with pytest.raises(Unreadable, match=r"缺少密钥 [0-9a-f]{12}"):
        read(name)
    settings.FILE_KEYS = []
    with pytest.raises(Unreadable, match="没有可用的文件密钥"):
        read(name)


@pytest.mark.parametrize("place", [0, 20, 40, 200, -1])
def test_an_altered_byte_is_refused(place):
    name = keep()
    stored = bytearray(on_disk(name))
    stored[place] ^= 1
    with open(default_storage.path(name), "wb") as file:
        file.write(stored)
    with pytest.raises(Unreadable):
        read(name)


def test_a_plain_file_laid_beneath_is_not_read():
    name = keep()
    with open(default_storage.path(name), "wb") as file:
        file.write(PDF)
    with pytest.raises(Unreadable, match="没有加密"):
        read(name)


def test_rotation_brings_all_under_the_first_key(settings):
    names = [keep(bytes([n]) * 50, f"{n}/x.bin") for n in range(3)]
    plain = default_storage.path("plain.pdf")
    with open(plain, "wb") as file:
        file.write(PDF)
    settings.FILE_KEYS = [NEW, OLD]
    assert "换用新密钥 3 个，原未加密、现已加密 1 个，已是新密钥 0 个" in rotate()
    assert "换用新密钥 0 个，原未加密、现已加密 0 个，已是新密钥 4 个" in rotate()
    settings.FILE_KEYS = [NEW]
    assert [read(name) for name in [*names, "plain.pdf"]] == [
        *(bytes([n]) * 50 for n in range(3)),
        PDF,
    ]


def test_rotation_goes_on_past_a_file_it_cannot_read(settings):
    lost, good = keep(name="a/lost.pdf"), keep(name="b/good.pdf")
    with open(default_storage.path(lost), "r+b") as file:
        file.seek(100)
        file.write(b"!!!!")
    settings.FILE_KEYS = [NEW, OLD]
    with pytest.raises(CommandError, match="1 个文件无法读取"):
        rotate()
    settings.FILE_KEYS = [NEW]
    assert read(good) == PDF


@pytest.mark.slow
def test_a_killed_rotation_loses_nothing_and_goes_on(settings, tmp_path):
    contents = {f"{n:02}/x.bin": os.urandom(400_000) for n in range(40)}
    for name, content in contents.items():
        keep(content, name)
    root = settings.MEDIA_ROOT
    code = (
        "import django; from django.conf import settings; from django.core.management import "
        f"call_command; django.setup(); settings.MEDIA_ROOT = {str(root)!r}; "
        "print('go', flush=True); call_command('rotate_file_keys')"
    )
    environment = os.environ | {"FILE_KEYS": f"{NEW},{OLD}", "EMAILSEC_VAR_DIR": str(tmp_path)}
    environment["DJANGO_SETTINGS_MODULE"] = "emailsec.settings"
    child = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE)
    assert child.stdout
    child.stdout.readline()
    time.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    child.wait()
    (root / f"left{UNFINISHED}").write_bytes(b"half")
    settings.FILE_KEYS = [NEW, OLD]
    assert all(read(name) == content for name, content in contents.items())
    rotate()
    settings.FILE_KEYS = [NEW]
    assert all(read(name) == content for name, content in contents.items())
    assert not list(root.rglob(f"*{UNFINISHED}"))


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/cron.d/x", "a/../../b.pdf", "..\\..\\b.pdf", "x.pdf/../../y"]
)
def test_a_name_leads_nowhere_else(name, settings):
    path = stored_path("evidence", 7, name)
    assert path.startswith("evidence/7/")
    assert ".." not in path
    assert path.rsplit(".", 1)[1] in {"pdf", "bin"}
    with pytest.raises(SuspiciousFileOperation):
        keep(name="../x.pdf")
