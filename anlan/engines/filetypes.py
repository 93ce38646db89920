"""What a file is, told from its bytes and never from its name."""

from __future__ import annotations

import codecs
import zipfile
from dataclasses import dataclass
from pathlib import Path

from anlan.engines.refused import Refused

HEAD_BYTES = 4096
UNPACKED_BYTES = 400 * 1024 * 1024


@dataclass(frozen=True)
class Kind:
    """One accepted kind of file: what it is called, served as, and which endings belong to it."""

    name: str
    label: str
    family: str
    mime: str
    endings: tuple[str, ...]


KINDS = {
    kind.name: kind
    for kind in (
        Kind("jpeg", "JPEG 图片", "image", "image/jpeg", ("jpg", "jpeg", "jfif", "jpe")),
        Kind("png", "PNG 图片", "image", "image/png", ("png",)),
        Kind("webp", "WebP 图片", "image", "image/webp", ("webp",)),
        Kind("gif", "GIF 图片", "image", "image/gif", ("gif",)),
        Kind("heic", "HEIC 图片", "image", "image/heic", ("heic", "heif", "hif")),
        Kind("mp4", "MP4 视频", "media", "video/mp4", ("mp4", "m4v")),
        Kind("mov", "MOV 视频", "media", "video/quicktime", ("mov", "qt")),
        Kind("3gp", "3GP 音视频", "media", "video/3gpp", ("3gp", "3gpp")),
        Kind("m4a", "M4A 录音", "media", "audio/mp4", ("m4a",)),
        Kind("amr", "AMR 录音", "media", "audio/amr", ("amr",)),
        Kind("mp3", "MP3 录音", "media", "audio/mpeg", ("mp3",)),
        Kind("wav", "WAV 录音", "media", "audio/wav", ("wav",)),
        Kind("pdf", "PDF 文档", "pdf", "application/pdf", ("pdf",)),
        Kind(
            "docx",
            "Word 文档",
            "docx",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            ("docx",),
        ),
        Kind(
            "xlsx",
            "Excel 工作簿",
            "xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            ("xlsx",),
        ),
        Kind("text", "文本", "text", "text/plain; charset=utf-8", ("txt", "csv", "log")),
    )
}

_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"), "heic"),
    **dict.fromkeys(
        (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"dash", b"M4V ", b"MSNV"), "mp4"
    ),
    **dict.fromkeys((b"3gp4", b"3gp5", b"3gp6", b"3gr6", b"3gs6", b"3ge6", b"3gp7"), "3gp"),
    b"M4A ": "m4a",
    b"M4B ": "m4a",
    b"qt  ": "mov",
}
_STARTS = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"%PDF-", "pdf"),
    (b"#!AMR", "amr"),
    (b"ID3", "mp3"),
)
_PROGRAMS = (
    b"MZ", b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe", b"#!", b"dex\n", b"L\x00\x00\x00\x01\x14\x02\x00",
)  # fmt: skip
_MARKUP = (b"<!doctype", b"<html", b"<script", b"<svg", b"<?xml", b"<body", b"<iframe", b"<?php", b"<head", b"<%@")
_INNER = (b"<script", b"<html", b"<?php", b"<svg", b"<iframe")
_OTHERS = (
    (b"\xd0\xcf\x11\xe0", "是旧版 Office 文件(.doc/.xls)或加了密码的文件,请去掉密码,另存为 .docx 或 .xlsx 后再传"),
    (b"Rar!", "是 RAR 压缩包,请解压后逐个上传"),
    (b"7z\xbc\xaf", "是 7z 压缩包,请解压后逐个上传"),
    (b"\x1f\x8b", "是 GZ 压缩包,请解压后逐个上传"),
)


def kind_of(path: Path, name: str) -> Kind:
    """The kind of a stored file; Refused when it is none of ours, dangerous, or two things at once."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        file.seek(max(0, path.stat().st_size - 66_000))
        tail = file.read()
    found = _binary(head) or _office(path, head, name)
    if found is None:
        _bar(head, name)
        _text(path, name)
        found = "text"
    elif found != "text" and KINDS[found].family in ("image", "pdf", "media"):
        _single(found, head, tail, name)
    return KINDS[found]


def fits(kind: Kind, name: str) -> str:
    """The name with an ending true to the kind; Refused when the ending claims another family.

    Phones and chat programs often give a picture another picture's ending; that is put right, not refused.
    """
    stem, dot, ending = name.rpartition(".")
    if not dot or not ending.isalnum() or len(ending) > 5:
        return f"{name}.{kind.endings[0]}"
    if ending.lower() in kind.endings:
        return name
    claimed = next((other for other in KINDS.values() if ending.lower() in other.endings), None)
    if claimed and claimed.family == kind.family and kind.family in ("image", "media"):
        return f"{stem}.{kind.endings[0]}"
    raise Refused(f"「{name}」的扩展名是 .{ending},内容却是{kind.label},不能接收。请上传原始文件,不要改扩展名。")


def _binary(head: bytes) -> str | None:
    for start, found in _STARTS:
        if head.startswith(start):
            return found
    if head[:4] == b"RIFF":
        return {b"WEBP": "webp", b"WAVE": "wav"}.get(head[8:12])
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12])
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2 and head[2] >> 4 not in (0, 15):
        return "mp3"
    return None


def _office(path: Path, head: bytes, name: str) -> str | None:
    if not head.startswith(b"PK\x03\x04"):
        return None
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise Refused(f"「{name}」已损坏,打不开。请重新导出后再传。") from error
    names = {entry.filename for entry in entries}
    if any(inner.lower().endswith("vbaproject.bin") for inner in names):
        raise Refused(f"「{name}」带有宏程序,不能接收。请另存为不带宏的 .docx 或 .xlsx。")
    if sum(entry.file_size for entry in entries) > UNPACKED_BYTES:
        raise Refused(f"「{name}」解开后过大,疑似压缩炸弹,不能接收。")
    if "[Content_Types].xml" in names and "word/document.xml" in names:
        return "docx"
    if "[Content_Types].xml" in names and "xl/workbook.xml" in names:
        return "xlsx"
    raise Refused(f"「{name}」是压缩包或不认识的文档,请解压后逐个上传图片、PDF、Word 或 Excel 文件。")


def _bar(head: bytes, name: str) -> None:
    if head.startswith(_PROGRAMS):
        raise Refused(f"「{name}」是可执行程序或脚本,不能接收。")
    for start, reason in _OTHERS:
        if head.startswith(start):
            raise Refused(f"「{name}」{reason}。")
    if any(tag in head.lower() for tag in _MARKUP):
        raise Refused(f"「{name}」是网页或 SVG/XML 文件,可能带有脚本,不能接收。请截图或转成 PDF 后上传。")


def _text(path: Path, name: str) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 16):
                if b"\0" in chunk:
                    raise Refused(f"「{name}」不是可接收的文件类型。可传图片、录音、视频、PDF、Word、Excel 和文本。")
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise Refused(f"「{name}」不是可接收的文件类型;如果是文本或 CSV,请另存为 UTF-8 编码后再传。") from error


def _single(found: str, head: bytes, tail: bytes, name: str) -> None:
    """Refuse a picture, recording or PDF that is at the same time an archive, a page or another document."""
    lower, end = head.lower(), tail.lower()
    archive = b"PK\x05\x06" in tail
    page = found != "pdf" and (any(tag in lower for tag in _INNER) or any(tag in end for tag in _INNER))
    document = found != "pdf" and b"%PDF-" in head[:1024]
    if archive or page or document:
        raise Refused(f"「{name}」的内容里夹带了别的文件,不能接收。请重新拍照或导出后上传。")
