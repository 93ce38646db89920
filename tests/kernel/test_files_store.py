"""What people upload, and what must never stay on the disk."""

import io
import os
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta, timezone

import docx
import pytest
from openpyxl import Workbook
from PIL import ExifTags, Image

from anlan.kernel import clock
from anlan.kernel.cases import Refused
from anlan.kernel.clock import due, loop, periodic
from anlan.kernel.clock.models import Due
from anlan.kernel.files.acts import do_attach
from anlan.kernel.files.acts import store as store_of_city
from anlan.kernel.files.store import Store, clean
from anlan.kernel.journal import read
from anlan.kernel.people import scope
from anlan.kernel.people.models import Area

from . import city


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "files")


def put(store, data, name, **more):
    return store.keep(io.BytesIO(data), name, **more)


def picture(kind="JPEG", size=(640, 480), **more):
    out = io.BytesIO()
    Image.effect_noise(size, 60).convert("RGB").save(out, kind, **more)
    return out.getvalue()


def stamped():
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Make] = "HUAWEI"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2022:09:16 00:30:05"
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps.update({1: "N", 2: (36.0, 5.0, 24.0), 3: "E", 4: (120.0, 22.0, 48.0)})
    return exif


def files_in(store):
    return sorted(str(path.relative_to(store.root)) for path in store.root.rglob("*") if path.is_file())


def refused(store, data, name, words):
    with pytest.raises(Refused, match=words) as told:
        put(store, data, name)
    assert clean(name) in str(told.value)
    assert files_in(store) == []


def office(make):
    out = io.BytesIO()
    make.save(out)
    return out.getvalue()


def test_the_same_content_is_stored_once(store):
    data = picture()
    first, second = put(store, data, "现场.jpg"), put(store, data, "现场(2).jpg")
    assert (first.fresh, second.fresh) == (True, False)
    assert files_in(store) == [f"{first.sha256[:2]}/{first.sha256[2:4]}/{first.sha256}"]
    assert store.open(first.sha256).read() == data
    assert store.whole(first.sha256)


def test_a_damaged_content_is_seen_and_healed_by_the_next_upload(store):
    data = picture()
    kept = put(store, data, "现场.jpg")
    store.path(kept.sha256).write_bytes(b"short")
    assert not store.whole(kept.sha256)
    assert put(store, data, "现场.jpg").fresh
    assert store.whole(kept.sha256)


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (picture("PNG"), "图.png", "png"),
        (picture("WEBP"), "图.webp", "webp"),
        (picture("GIF"), "图.gif", "gif"),
        (b"\0\0\0\x18ftypheic" + bytes(40), "IMG.HEIC", "heic"),
        (b"\0\0\0\x18ftypisom" + bytes(40), "录像.mp4", "mp4"),
        (b"\0\0\0\x18ftypqt  " + bytes(40), "IMG.MOV", "mov"),
        (b"\0\0\0\x18ftypM4A " + bytes(40), "录音.m4a", "m4a"),
        (b"#!AMR\n" + bytes(40), "录音.amr", "amr"),
        (b"\xff\xfb\x90\x00" + bytes(40), "录音.mp3", "mp3"),
        (b"RIFF\x24\0\0\0WAVEfmt " + bytes(40), "录音.wav", "wav"),
        (b"%PDF-1.7\n%%EOF", "通知.pdf", "pdf"),
        (office(docx.Document()), "报告.docx", "docx"),
        (office(Workbook()), "台账.xlsx", "xlsx"),
        ("村名,人数\n东台村,12\n".encode(), "名单.csv", "text"),
    ],
)
def test_the_kind_is_told_from_the_bytes(store, data, name, kind):
    kept = put(store, data, name)
    assert (kept.kind.name, kept.name) == (kind, name)


def test_a_picture_with_another_pictures_ending_is_put_right(store):
    assert put(store, picture("WEBP"), "mmexport.JPG").name == "mmexport.webp"
    assert put(store, picture(), "image").name == "image.jpg"


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"", "空.jpg", "空文件"),
        (b"%PDF-1.7\n%%EOF", "照片.jpg", r"扩展名是 \.jpg,内容却是PDF"),
        (b"MZ\x90\0" + bytes(99), "照片.jpg", "可执行程序"),
        (b"\x7fELF" + bytes(99), "a", "可执行程序"),
        (b"#!/bin/sh\nrm -rf /\n", "a.txt", "可执行程序或脚本"),
        (b"  <HTML><script>alert(1)</script>", "说明.txt", "网页"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "图.svg", "SVG"),
        ("甲".encode("gb18030") * 9, "名单.csv", "UTF-8"),
        (b"\0\1\2\3", "x.bin", "不是可接收的文件类型"),
        (b"Rar!\x1a\x07", "包.rar", "RAR"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "旧.xls", "旧版 Office"),
        (b"PK\x03\x04broken", "坏.docx", "损坏"),
        (b"plain words", "run.bat", r"扩展名是 \.bat"),
        (b"\x89PNG\r\n\x1a\n" + bytes(9), "坏.png", "图片不完整"),
        (picture()[:9000], "半张.jpg", "图片不完整"),
        (picture() + b"<script>alert(1)</script>", "多面.jpg", "夹带"),
    ],
)
def test_what_is_refused_says_why_and_leaves_nothing(store, data, name, words):
    refused(store, data, name, words)


def archive(**entries):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in entries.items():
            made.writestr(name, data)
    return out.getvalue()


def test_archives_macros_and_pictures_that_hide_one_are_refused(store):
    refused(store, archive(a="1"), "包.zip", "压缩包")
    refused(store, picture() + archive(a="1"), "多面.jpg", "夹带")
    macro = {"[Content_Types].xml": "", "word/document.xml": "", "word/vbaProject.bin": "x"}
    refused(store, archive(**macro), "宏.docx", "宏程序")
    bomb = {"[Content_Types].xml": "", "word/document.xml": bytes(401 * 1024 * 1024)}
    refused(store, archive(**bomb), "炸弹.docx", "压缩炸弹")


def test_a_file_over_the_cap_is_refused_while_it_still_comes_in(tmp_path):
    class Endless(io.RawIOBase):
        taken = 0

        def read(self, size=-1):
            self.taken += size
            return b"a" * size

    store, stream = Store(tmp_path, cap=1 << 20), Endless()
    with pytest.raises(Refused, match=r"「大.txt」超过 1 MB"):
        store.keep(stream, "大.txt")
    assert stream.taken <= (1 << 20) + (1 << 16)
    assert files_in(store) == []


def test_a_picture_with_too_many_points_is_refused_before_it_is_decoded(store):
    out = io.BytesIO()
    Image.new("1", (20_000, 3_000)).save(out, "PNG")
    refused(store, out.getvalue(), "巨图.png", "超过 5000 万像素")


def test_a_caller_may_take_fewer_kinds(store):
    with pytest.raises(Refused, match="这里只接收PDF 文档"):
        put(store, picture(), "现场.jpg", kinds=frozenset({"pdf"}))


def test_names_lose_folders_controls_and_direction_marks(store):
    assert put(store, picture(), "../../etc/cron.d/现场.jpg").name == "现场.jpg"
    assert clean("C:\\用户\\a\0b\u202egpj.exe") == "abgpj.exe"
    assert clean("..") == clean("/") == "未命名"
    assert clean("长" * 300 + ".jpg") == "长" * 116 + ".jpg"
    assert all(path.startswith(tuple("0123456789abcdef")) for path in files_in(store))


@pytest.mark.parametrize("bad", ["../secret.key", "a" * 63, "A" * 64, "a" * 64 + "\n", ""])
def test_only_a_hash_finds_a_content(store, bad):
    with pytest.raises(ValueError, match="not a sha256"):
        store.path(bad)


def test_a_photograph_tells_when_and_where_and_stands_upright(store):
    kept = put(store, picture(exif=stamped()), "现场.jpg")
    facts = kept.facts
    assert (facts.width, facts.height, facts.device) == (480, 640, "HUAWEI")
    assert facts.taken_at == datetime(2022, 9, 15, 16, 30, 5, tzinfo=UTC)
    assert (facts.lon, facts.lat) == (120.38, 36.09)
    with Image.open(store.small(kept.sha256)) as copy:
        assert (copy.format, copy.size, dict(copy.getexif())) == ("JPEG", (180, 240), {})
    assert store.small(kept.sha256) == store.small(kept.sha256)


def test_a_clear_picture_is_drawn_on_white_and_a_paper_is_not_drawn(store):
    out = io.BytesIO()
    Image.new("RGBA", (300, 300), (0, 0, 0, 0)).save(out, "PNG")
    with Image.open(store.small(put(store, out.getvalue(), "图.png").sha256)) as copy:
        assert copy.getpixel((5, 5)) == (255, 255, 255)
    assert store.small(put(store, b"%PDF-1.7", "a.pdf").sha256) is None


def test_a_full_disk_is_told_and_leaves_no_half_file(tmp_path):
    code = """
import io, resource, sys
from pathlib import Path
from anlan.kernel.files.store import Full, Store
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    Store(Path(sys.argv[1])).keep(io.BytesIO(b"a" * 1_000_000), "大.txt")
except Full as told:
    sys.stdout.buffer.write(str(told).encode())
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, check=True)
    assert done.stdout.decode().startswith("存储空间已满,「大.txt」没有保存")
    assert files_in(Store(tmp_path)) == []


def test_what_a_killed_process_left_is_swept_by_age(store):
    put(store, b"words", "a.txt")
    left = store.root / "coming" / "half"
    left.write_bytes(b"half")
    touched = datetime.fromtimestamp(left.stat().st_mtime, UTC)
    assert store.sweep(touched - timedelta(hours=1), set) == 0
    assert store.sweep(touched + timedelta(hours=1), set) == 1
    assert not left.exists()


def test_every_night_what_no_record_names_is_removed_and_what_is_used_stays(db, settings, tmp_path):
    settings.HOME = tmp_path
    world, now = city.build(), clock.real()
    with scope.everyone(world):
        used, orphan, fresh, again = (put(store_of_city(), picture(size=(300, n)), f"{n}.jpg") for n in (200, 201, 202, 203))
        do_attach(used, Area.objects.get(pk=city.SHAZIKOU))
        copies = [store_of_city().small(kept.sha256) for kept in (used, orphan)]
        for kept in (used, orphan, again):
            os.utime(store_of_city().path(kept.sha256), (0, 0))
        put(store_of_city(), store_of_city().path(again.sha256).read_bytes(), "again.jpg")
        periodic.start(world)
        due.drop(*Due.objects.exclude(kind="every:files.sweep").values_list("key", flat=True))
        night = Due.objects.get(kind="every:files.sweep")
        assert night.at.astimezone(timezone(timedelta(hours=8))).hour == 3
        Due.objects.filter(pk=night.pk).update(run_at=now)
        assert loop.drain(world) == 1
        assert read.lines().get(verb="file.swept").after == {"files": 1}
    left = {kept.name for kept in (used, orphan, fresh, again) if store_of_city().path(kept.sha256).exists()}
    assert left == {"200.jpg", "202.jpg", "203.jpg"}
    assert [copy.exists() for copy in copies] == [True, False]
