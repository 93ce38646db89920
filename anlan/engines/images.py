"""Pictures as evidence: is it whole, how large, when and where was it taken; and small copies for lists."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from PIL import ExifTags, Image, ImageOps

from anlan.engines.refused import Refused

SHANGHAI = ZoneInfo("Asia/Shanghai")
# JPEG is decoded at an eighth of its size, so that a phone's 108-megapixel picture is no danger; others are not.
PIXELS = {"jpeg": 150_000_000}
PIXELS_ELSE = 50_000_000
READABLE = ("jpeg", "png", "webp", "gif")


@dataclass(frozen=True)
class Facts:
    """What a picture says about itself; None for what it does not say. Positions are the device's WGS-84."""

    width: int | None = None
    height: int | None = None
    taken_at: datetime | None = None
    lon: float | None = None
    lat: float | None = None
    device: str = ""


def facts(path: Path, kind: str, name: str) -> Facts:
    """Decode the picture once, so that a broken one is refused now, and read its EXIF.

    HEIC is kept but not decoded: no reader for it is installed, so that its facts stay unknown.
    """
    if kind not in READABLE:
        return Facts()
    try:
        with _opened(path, kind, name) as image:
            exif = image.getexif()
            width, height = image.size
            if exif.get(ExifTags.Base.Orientation, 1) in (5, 6, 7, 8):
                width, height = height, width
            if kind == "jpeg":
                image.draft("RGB", (240, 240))
            image.load()
            lon, lat = _position(exif.get_ifd(ExifTags.IFD.GPSInfo))
            device = f"{exif.get(ExifTags.Base.Make, '')} {exif.get(ExifTags.Base.Model, '')}".replace("\0", "").strip()
            return Facts(width, height, _taken(exif), lon, lat, device[:80])
    except Refused:
        raise
    except Exception as error:  # Pillow raises OSError, SyntaxError, ValueError, struct.error, … for broken pictures
        raise Refused(f"「{name}」图片不完整或已损坏,打不开。请重新拍照或重新选取后上传。") from error


def small(path: Path, kind: str, name: str, side: int) -> bytes | None:
    """A JPEG copy no larger than *side*, upright, without EXIF; None where the kind cannot be decoded."""
    if kind not in READABLE:
        return None
    with _opened(path, kind, name) as image:
        if kind == "jpeg":
            image.draft("RGB", (side * 2, side * 2))
        upright = ImageOps.exif_transpose(image)
        upright.thumbnail((side, side))
        if upright.mode in ("RGBA", "LA", "P", "PA"):
            clear = upright.convert("RGBA")
            upright = Image.new("RGB", clear.size, "white")
            upright.paste(clear, mask=clear.getchannel("A"))
        out = io.BytesIO()
        upright.convert("RGB").save(out, "JPEG", quality=82)
        return out.getvalue()


def _opened(path: Path, kind: str, name: str) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            image = Image.open(path, formats=[kind.upper()])
        except Image.DecompressionBombError as error:
            raise Refused(f"「{name}」像素过多,不能接收。请缩小后再传。") from error
    limit = PIXELS.get(kind, PIXELS_ELSE)
    if image.width * image.height > limit:
        image.close()
        raise Refused(
            f"「{name}」有 {image.width}×{image.height} 像素,超过 {limit // 10_000} 万像素的上限。请缩小后再传。"
        )
    return image


def _taken(exif: Image.Exif) -> datetime | None:
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    text = inner.get(ExifTags.Base.DateTimeOriginal) or inner.get(ExifTags.Base.DateTimeDigitized)
    if not isinstance(text, str):
        return None
    offset = inner.get(ExifTags.Base.OffsetTimeOriginal)
    text = text.strip("\0 ")
    try:
        if isinstance(offset, str) and offset.strip("\0 "):
            return datetime.strptime(text + offset.strip("\0 "), "%Y:%m:%d %H:%M:%S%z")
        # Cameras that name no zone are taken to be on Shanghai time.
        return datetime.strptime(text, "%Y:%m:%d %H:%M:%S").replace(tzinfo=SHANGHAI)
    except ValueError:
        return None


def _position(gps: Mapping[int, Any]) -> tuple[float | None, float | None]:
    lat = _degrees(gps.get(ExifTags.GPS.GPSLatitude), gps.get(ExifTags.GPS.GPSLatitudeRef), "S", 90)
    lon = _degrees(gps.get(ExifTags.GPS.GPSLongitude), gps.get(ExifTags.GPS.GPSLongitudeRef), "W", 180)
    if lat is None or lon is None or (lat == 0 and lon == 0):
        return None, None
    return lon, lat


def _degrees(parts: Any, side: Any, negative: str, limit: float) -> float | None:
    try:
        degrees, minutes, seconds = (float(part) for part in parts)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    value = degrees + minutes / 60 + seconds / 3600
    if not math.isfinite(value) or value > limit:
        return None
    return round(-value if side == negative else value, 7)
