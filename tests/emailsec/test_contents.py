"""Hostile uploads: what is inside a file, whatever its name and its first bytes say."""

import io
import os
import signal
import struct
import time
import zipfile
import zlib

import pytest
import weasyprint  # noqa: F401 - it changes what Pillow takes, for the whole process
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from openpyxl import Workbook
from PIL import Image
from pypdf import PdfWriter

from emailsec.lib.contents import containers, pictures
from emailsec.lib.contents.apart import GaveUp, apart
from emailsec.lib.uploads import check_upload
from tests.files import PDF, container, image, pdf

MB = 1024 * 1024


def refusal(name: str, content: bytes) -> str:
    try:
        check_upload(SimpleUploadedFile(name, content))
    except ValidationError as error:
        return "".join(error.messages)
    return ""


def written(change, *, page: bool = True, password: str = "") -> bytes:
    writer = PdfWriter()
    if page:
        writer.add_blank_page(100, 100)
    change(writer)
    if password:
        writer.encrypt("", password)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def workbook() -> bytes:
    book, out = Workbook(), io.BytesIO()
    book.active.append(["甲", "=1+1"])
    book.active["A3"].hyperlink = "https://example.test/"
    book.save(out)
    return out.getvalue()


def relation(kind: str) -> bytes:
    space = "http://schemas.openxmlformats.org/package/2006/relationships"
    return (
        f'<Relationships xmlns="{space}"><Relationship Id="r" Type="http://x/{kind}" '
        'Target="https://evil.test/x" TargetMode="External"/></Relationships>'
    ).encode()


def stored_zip(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, b"<x/>")
    return out.getvalue()


RELS = "word/_rels/document.xml.rels"
ZIP = stored_zip("a.txt")
NESTED = {"word/embeddings/a.xlsx": container("xlsx", {"xl/embeddings/b.xlsx": container("xlsx")})}

SOUND = {
    "a.pdf": PDF,
    "b.pdf": PDF + b"\n" * 4096,  # padding
    "c.pdf": pdf(catalog="/OpenAction[3 0 R/Fit]"),
    "d.pdf": pdf(catalog="/OpenAction<</S/GoTo/D[3 0 R/Fit]>>"),
    "a.png": image("png"),
    "a.jpg": image("jpeg"),
    "b.jpeg": image("jpeg") + image("jpeg", shade=9),  # a telephone's second picture
    "c.jpg": image("jpeg") + b"note" * 30 + b"SEFT",
    "a.docx": container("docx", {RELS: relation("hyperlink")}),
    "b.docx": container("docx", {"word/embeddings/Sheet.xlsx": container("xlsx")}),
    "a.xlsx": workbook(),
    "a.ofd": container("ofd"),
}


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_file_is_taken(name):
    assert refusal(name, SOUND[name]) == ""


HOSTILE = [
    # PDF: acts, carries, fetches
    ("names.pdf", pdf(catalog="/Names<</JavaScript<</Names[(a)<</S/JavaScript>>]>>>>"), "脚本"),
    ("open-js.pdf", pdf(catalog="/OpenAction<</S/JavaScript/JS(x)>>"), "打开时"),
    ("link-js.pdf", pdf(catalog="/A<</S/#4aavaScript>>"), "脚本"),
    ("hex-js.pdf", pdf(catalog="/OpenAction<</S/#4aavaScript/J#53(x)>>"), "打开时"),
    ("open-uri.pdf", pdf(catalog="/OpenAction<</S/URI/URI(https://evil.test)>>"), "打开时"),
    ("aa.pdf", pdf(catalog="/AA<</WC<</S/URI/URI(x)>>>>"), "打开时"),
    ("launch.pdf", pdf(catalog="/A<</S/Launch/F(cmd.exe)>>"), "启动程序"),
    ("submit.pdf", pdf(catalog="/A<</S/SubmitForm/F(x)>>"), "向外发送"),
    ("attach.pdf", written(lambda w: w.add_attachment("x.exe", b"MZ")), "内嵌文件"),
    ("xfa.pdf", pdf(catalog="/AcroForm<</XFA(x)>>"), "动态表单"),
    ("unreached.pdf", pdf("9 0 obj<</S/Launch/F(x)>>endobj"), "启动程序"),
    ("media.pdf", pdf(catalog="/X<</Subtype/RichMedia>>"), "音视频"),
    # PDF: broken, empty, locked
    ("locked.pdf", written(lambda w: None, password="owner"), "口令或权限"),
    ("empty.pdf", written(lambda w: None, page=False), "没有页面"),
    ("stump.pdf", PDF[:60], "损坏"),
    ("rubbish.pdf", b"%PDF-1.7\n" + os.urandom(500) + b"\n%%EOF", "损坏"),
    # PDF: something else as well
    ("before.pdf", b"MZ junk\n" + PDF, "不符"),
    ("zip.pdf", PDF + ZIP, "混有"),
    ("tail.pdf", PDF + os.urandom(3000), "混有"),
    ("html.pdf", b"%PDF-1.4\n<html><script>alert(1)</script>\n" + PDF, "混有"),
    ("html-tail.pdf", PDF + b"<script>alert(1)</script>", "混有"),
    # pictures
    ("stump.png", image("png", size=(64, 64))[:50], "损坏"),
    ("stump.jpg", image("jpeg", size=(64, 64))[:300], "损坏"),
    ("crc.png", image("png")[:30] + b"!" + image("png")[31:], "损坏"),
    ("gifar.png", image("png") + ZIP, "末尾附有"),
    ("gifar.jpg", image("jpeg") + ZIP, "末尾附有"),
    ("motion.jpg", image("jpeg") + b"\0\0\0\x18ftypmp42" + bytes(range(256)), "末尾附有"),
    ("page.png", image("png") + b"<script>alert(1)</script>" * 9, "末尾附有"),
    # containers
    ("macro.docx", container("docx", {"word/vbaProject.bin": b"x"}), "含有宏"),
    ("up.docx", stored_zip("word/document.xml", "../../etc/cron.d/x"), "内部结构"),
    ("root.docx", stored_zip("word/document.xml", "/etc/passwd"), "内部结构"),
    ("drive.docx", stored_zip("word/document.xml", "C:\\x"), "内部结构"),
    ("dtd.docx", container("docx", {"word/a.xml": b'<!DOCTYPE x [<!ENTITY a "b">]><x/>'}), "内部"),
    ("utf16.docx", container("docx", {"a.xml": "<!DOCTYPE x><x/>".encode("utf-16")}), "内部"),
    ("late.docx", container("docx", {"a.xml": b" " * 70_000 + b"<!DOCTYPE x><x/>"}), "内部"),
    ("named.docx", container("docx", {"word/a.dat": b"<?xml?><!DOCTYPE x><x/>"}), "内部"),
    ("exe.docx", container("docx", {"word/media/a.png": b"MZ\x90\0"}), "内嵌"),
    ("ole.docx", container("docx", {"word/embeddings/o.bin": b"\xd0\xcf\x11\xe0"}), "内嵌"),
    ("zip.docx", container("docx", {"word/media/a.zip": ZIP}), "内嵌"),
    ("deep.docx", container("docx", NESTED), "内嵌"),
    ("template.docx", container("docx", {RELS: relation("attachedTemplate")}), "外部内容"),
    ("picture.docx", container("docx", {RELS: relation("image")}), "外部内容"),
    ("tail.docx", container("docx") + b"%PDF-1.4 more", "内部结构"),
    ("stump.xlsx", workbook()[:400], "不符"),
]


@pytest.mark.parametrize(("name", "content", "says"), HOSTILE, ids=[n for n, _, _ in HOSTILE])
def test_a_hostile_file_is_refused_with_what_to_do(name, content, says):
    said = refusal(name, content)
    assert says in said
    assert "；请" in said
    assert said.endswith("。")


@pytest.mark.slow
def test_a_zip_bomb_is_refused_before_it_is_unpacked():
    bomb = container("docx", {"word/a.xml": bytes(50 * MB)})
    assert len(bomb) < 100_000
    before = time.monotonic()
    assert "压缩内容过大" in refusal("bomb.docx", bomb)
    many = container("docx", {f"word/{n}.xml": b"" for n in range(containers.MEMBERS)})
    assert "压缩内容过大" in refusal("many.docx", many)
    assert time.monotonic() - before < 5


@pytest.mark.slow
def test_a_bomb_that_lies_about_its_size_is_refused():
    bomb = bytearray(container("docx", {"word/a.xml": bytes(50 * MB)}))
    true, lie = struct.pack("<I", 50 * MB), struct.pack("<I", 1000)
    assert bomb.count(true) == 2  # in the local header and in the directory
    assert "损坏" in refusal("lie.docx", bytes(bomb.replace(true, lie)))


def test_a_bomb_within_a_table_within_a_report_is_refused():
    inner = container("xlsx", {"xl/a.xml": bytes(50 * MB)})
    outer = container("docx", {"word/embeddings/a.xlsx": inner})
    assert "压缩内容过大" in refusal("outer.docx", outer)


def test_a_picture_of_too_many_pixels_is_refused_undecoded():
    width, height = 40_000, 40_000
    assert width * height > pictures.PIXELS
    head = struct.pack(">II5B", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1000))
    content = b"\x89PNG\r\n\x1a\n"
    for kind, data in ((b"IHDR", head), (b"IDAT", rows), (b"IEND", b"")):
        digest = zlib.crc32(kind + data)
        content += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", digest)
    assert "万像素" in refusal("large.png", content)


@pytest.mark.slow
def test_a_scan_of_a_large_sheet_is_taken():
    out = io.BytesIO()
    Image.new("L", (7016, 4960), 255).save(out, "png")  # A3 at 424 dpi
    assert refusal("scan.png", out.getvalue()) == ""


@pytest.mark.parametrize(
    ("content", "taken"),
    [
        (pdf(catalog="/X" + "[" * 200_000 + "]" * 200_000), False),
        (pdf(catalog="/X" + "<</A" * 50_000 + " 1" + ">>" * 50_000), None),
        # a page tree that is its own child, and a table of places that leads nowhere
        (PDF.replace(b"/Kids[3 0 R]/Count 1", b"/Kids[2 0 R]/Count 1"), False),
        (PDF.replace(b"/Size 4", b"/Prev 9 /Size 4"), True),
    ],
    ids=["deep-array", "deep-dictionary", "page-cycle", "broken-chain"],
)
def test_a_crafted_pdf_neither_hangs_nor_harms(content, taken):
    before = time.monotonic()
    said = refusal("deep.pdf", content)
    assert time.monotonic() - before < 20
    if taken is not None:
        assert (said == "") is taken
    assert refusal("next.pdf", PDF) == ""


@pytest.mark.slow
def test_work_that_does_not_end_is_ended():
    def forever() -> str:
        while True:
            pass

    before = time.monotonic()
    with pytest.raises(GaveUp):
        apart(forever, seconds=1, memory=64 * MB)
    assert time.monotonic() - before < 9


def test_work_that_takes_all_memory_is_ended():
    with pytest.raises(GaveUp):
        apart(lambda: str(len(bytearray(512 * MB))), seconds=5, memory=64 * MB)


def test_work_that_crashes_is_no_crash_of_ours():
    with pytest.raises(GaveUp):
        apart(lambda: str(os.kill(os.getpid(), signal.SIGKILL)), seconds=5, memory=64 * MB)
