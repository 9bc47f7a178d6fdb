"""Pictures from strangers: what they are is told by their bytes, and where they were taken goes.

In: bytes of an upload. Out: the same picture without its metadata, and its media type; or
ValueError with what was expected.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.records import Attachment, MentionId

MOST_PHOTOS = 3
PHOTO_LIMIT = 5 * 1024 * 1024  # bytes; a phone's picture at 12 megapixels has 3 to 5 MB
# A picture of 5 MB unpacks to gigabytes when it is made to; phones take 12 to 108 megapixels.
PIXEL_LIMIT = 120_000_000
_ORIENTATION = 0x0112
# What a JPEG keeps: the picture itself, JFIF (E0), colour profile (E2) and Adobe's transform (EE).
_JPEG_DROPPED = frozenset({*range(0xE0, 0xF0), 0xFE}) - {0xE0, 0xE2, 0xEE}
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # segments that tell the size
_JPEG_COLOURS = b"ICC_PROFILE\0"  # the other use of E2 lists more pictures behind this one
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # in the data of a scan, what ends it
# What is kept besides what a picture cannot be drawn without (upper case, PNG 1.2 section 3.3).
_PNG_KEPT = frozenset(
    {b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"cICP", b"bKGD", b"pHYs"}
)
_BROKEN = "照片不完整，请重新选择"
_PNG_HEAD = b"\x89PNG\r\n\x1a\n"
_WEBP_KEPT = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ICCP", b"ANIM", b"ANMF"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """A picture that may be stored."""

    media_type: str
    body: bytes


def checked_photos(bodies: Sequence[bytes]) -> list[Photo]:
    """Return pictures that may be stored, empty uploads left out.

    Errors: ValueError when there are too many, one is too large, or one is no such picture.
    """
    found = [body for body in bodies if body]
    if len(found) > MOST_PHOTOS:
        raise ValueError(f"照片最多 {MOST_PHOTOS} 张，收到 {len(found)} 张")
    return [checked_photo(body) for body in found]


def checked_photo(body: bytes) -> Photo:
    """Return one picture without its metadata.

    Errors: ValueError when it is too large or no whole JPEG, PNG or WebP picture.
    """
    if len(body) > PHOTO_LIMIT:
        raise ValueError(f"每张照片最大 {PHOTO_LIMIT >> 20} MB，收到 {len(body) / 2**20:.1f} MB")
    try:
        if body.startswith(b"\xff\xd8\xff"):
            return Photo(media_type="image/jpeg", body=_bare_jpeg(body))
        if body.startswith(_PNG_HEAD):
            return Photo(media_type="image/png", body=_bare_png(body))
        if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
            return Photo(media_type="image/webp", body=_bare_webp(body))
    except (struct.error, IndexError) as error:
        raise ValueError(_BROKEN) from error
    raise ValueError("照片只收 JPG、PNG 或 WebP")


def attachments(mention_id: MentionId, photos: Sequence[Photo], at: datetime) -> list[Attachment]:
    """Return the pictures as a mention's attachments, numbered from 1."""
    return [
        Attachment(
            mention_id=mention_id,
            n=n,
            media_type=photo.media_type,
            sha256=hashlib.sha256(photo.body).hexdigest(),
            body=photo.body,
            at=at,
        )
        for n, photo in enumerate(photos, start=1)
    ]


# --- JPEG -------------------------------------------------------------------------------------


def _bare_jpeg(body: bytes) -> bytes:
    """Keep the segments that make the picture; of Exif only which way is up stays.

    It ends where the picture ends: phones put a film or more pictures behind it, with the place.
    """
    kept = [b"\xff\xd8"]
    at = 2
    while True:
        if body[at] != 0xFF:
            raise ValueError(_BROKEN)
        marker = body[at + 1]
        if marker == 0xFF:  # fill bytes before a marker
            at += 1
            continue
        if marker == 0xD9:
            return b"".join([*kept, body[at : at + 2]])
        (size,) = struct.unpack_from(">H", body, at + 2)
        end = at + 2 + size
        if size < 2 or end > len(body):
            raise ValueError(_BROKEN)
        if marker == 0xDA:  # a scan: its data follow
            found = _JPEG_MARKER.search(body, end)
            if found is None:
                raise ValueError(_BROKEN)
            end = found.end() - 2
        kept.append(_bare_segment(marker, body[at:end]))
        at = end


def _bare_segment(marker: int, segment: bytes) -> bytes:
    if marker in _JPEG_FRAMES:
        height, width = struct.unpack_from(">HH", segment, 5)
        _check_size(width, height)
    if marker == 0xE1 and segment[4:10] == b"Exif\0\0":
        return _upright(_orientation(segment[10:]))
    is_list = marker == 0xE2 and not segment[4:].startswith(_JPEG_COLOURS)
    return b"" if marker in _JPEG_DROPPED or is_list else segment


def _orientation(tiff: bytes) -> int:
    """Return which way is up, 1 when Exif does not say or is broken."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, start)
        for n in range(min(count, 64)):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, start + 2 + 12 * n)
            if tag == _ORIENTATION and kind == 3 and 1 <= value <= 8:
                return int(value)
    except struct.error:
        return 1
    return 1


def _upright(orientation: int) -> bytes:
    """Return an Exif segment that holds nothing but the orientation, none when it is upright."""
    if orientation == 1:
        return b""
    entry = struct.pack(">HHIHH", _ORIENTATION, 3, 1, orientation, 0)
    tiff = b"MM\0*" + struct.pack(">IH", 8, 1) + entry + struct.pack(">I", 0)
    payload = b"Exif\0\0" + tiff
    return b"\xff\xe1" + struct.pack(">H", len(payload) + 2) + payload


# --- PNG and WebP -----------------------------------------------------------------------------


def _bare_png(body: bytes) -> bytes:
    kept = [_PNG_HEAD]
    at = len(_PNG_HEAD)
    while True:
        size, name = struct.unpack_from(">I4s", body, at)
        end = at + 12 + size
        if end > len(body):
            raise ValueError(_BROKEN)
        if name == b"IHDR":
            _check_size(*struct.unpack_from(">II", body, at + 8))
        if name[:1].isupper() or name in _PNG_KEPT:
            kept.append(body[at:end])
        if name == b"IEND":
            return b"".join(kept)
        at = end


def _bare_webp(body: bytes) -> bytes:
    kept = b"".join(_webp_chunks(body))
    return b"RIFF" + struct.pack("<I", len(kept) + 4) + b"WEBP" + kept


def _webp_chunks(body: bytes) -> Iterator[bytes]:
    (declared,) = struct.unpack_from("<I", body, 4)
    if declared + 8 > len(body):
        raise ValueError(_BROKEN)
    at, end = 12, declared + 8
    while at + 8 <= end:
        name, size = struct.unpack_from("<4sI", body, at)
        after = at + 8 + size + (size & 1)
        if at + 8 + size > end:
            raise ValueError(_BROKEN)
        chunk = body[at:after]
        _check_webp(name, chunk)
        if name == b"VP8X":  # the flags that say Exif (8) and XMP (4) follow
            chunk = chunk[:8] + bytes([chunk[8] & ~0x0C]) + chunk[9:]
        if name in _WEBP_KEPT:
            yield chunk
        at = after


def _check_webp(name: bytes, chunk: bytes) -> None:
    """Look at the chunks that tell how large the picture is (RFC 9649)."""
    if name == b"VP8X":
        width, height = (int.from_bytes(chunk[n : n + 3], "little") + 1 for n in (12, 15))
    elif name == b"VP8L":
        bits = int.from_bytes(chunk[9:13], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif name == b"VP8 ":
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", chunk, 14))
    else:
        return
    _check_size(width, height)


def _check_size(width: int, height: int) -> None:
    if width * height > PIXEL_LIMIT:
        most = PIXEL_LIMIT // 10**6
        raise ValueError(f"照片最大 {most} 百万像素，收到 {width}×{height}")
