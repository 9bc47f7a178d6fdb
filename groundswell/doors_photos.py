"""Pictures from strangers: what they are is told by their bytes, and where they were taken goes.

In: bytes of an upload. Out: the same picture without its metadata, and its media type; or
ValueError with what was expected.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.records import Attachment, MentionId

MOST_PHOTOS = 3
PHOTO_LIMIT = 5 * 1024 * 1024  # bytes; a phone's picture at 12 megapixels has 3 to 5 MB
_ORIENTATION = 0x0112
# What a JPEG keeps: the picture itself, JFIF (E0), colour profile (E2) and Adobe's transform (EE).
_JPEG_DROPPED = frozenset({*range(0xE0, 0xF0), 0xFE}) - {0xE0, 0xE2, 0xEE}
_PNG_DROPPED = frozenset({b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"tIME"})
_PNG_HEAD = b"\x89PNG\r\n\x1a\n"


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
        raise ValueError("照片不完整，请重新选择") from error
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
    """Keep the segments that make the picture; of Exif only which way is up stays."""
    kept = [b"\xff\xd8"]
    at = 2
    while True:
        if body[at] != 0xFF:
            raise ValueError("照片不完整，请重新选择")
        marker = body[at + 1]
        if marker == 0xFF:  # fill bytes before a marker
            at += 1
            continue
        if marker == 0xDA:  # the picture's data, up to the end of it and no further
            end = body.rfind(b"\xff\xd9")
            if end < at:
                raise ValueError("照片不完整，请重新选择")
            kept.append(body[at : end + 2])
            return b"".join(kept)
        (size,) = struct.unpack_from(">H", body, at + 2)
        if size < 2 or at + 2 + size > len(body):
            raise ValueError("照片不完整，请重新选择")
        segment = body[at : at + 2 + size]
        if marker not in _JPEG_DROPPED:
            kept.append(segment)
        elif marker == 0xE1 and segment[4:10] == b"Exif\0\0":
            kept.append(_upright(_orientation(segment[10:])))
        at += 2 + size


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
            raise ValueError("照片不完整，请重新选择")
        if name not in _PNG_DROPPED:
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
        raise ValueError("照片不完整，请重新选择")
    at, end = 12, declared + 8
    while at + 8 <= end:
        name, size = struct.unpack_from("<4sI", body, at)
        after = at + 8 + size + (size & 1)
        if at + 8 + size > end:
            raise ValueError("照片不完整，请重新选择")
        chunk = body[at:after]
        if name == b"VP8X":  # the flags that say Exif (8) and XMP (4) follow
            chunk = chunk[:8] + bytes([chunk[8] & ~0x0C]) + chunk[9:]
        if name not in {b"EXIF", b"XMP "}:
            yield chunk
        at = after
