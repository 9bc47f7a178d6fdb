"""Small pictures as phones and strangers send them, made byte by byte."""

from __future__ import annotations

import struct
import zlib


def png(text: bytes = b"") -> bytes:
    """One grey pixel; `text` goes into a tEXt chunk."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))]
    if text:
        chunks.append((b"tEXt", b"Comment\0" + text))
    chunks += [(b"IDAT", zlib.compress(b"\0\x80")), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def jpeg(place: bytes = b"31.2304N 121.4737E", orientation: int = 6, size: int = 0) -> bytes:
    """A JPEG's skeleton with an Exif segment that tells the place; padded to `size` bytes."""
    entry = struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)
    tiff = b"II*\0" + struct.pack("<IH", 8, 1) + entry + struct.pack("<I", 0) + place
    exif = b"Exif\0\0" + tiff
    comment = b"shot at " + place
    scan = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + b"\x12" * max(16, size - 200)
    return (
        b"\xff\xd8"
        b"\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0"
        b"\xff\xe1"
        + struct.pack(">H", len(exif) + 2)
        + exif
        + b"\xff\xfe"
        + struct.pack(">H", len(comment) + 2)
        + comment
        + scan
        + b"\xff\xd9"
    )


def webp(place: bytes = b"31.2304N") -> bytes:
    """A WebP container with an EXIF chunk."""
    chunks = [
        (b"VP8X", bytes([0x08]) + b"\0" * 9),
        (b"VP8L", b"\x2f\0\0\0\0"),
        (b"EXIF", b"Exif\0\0" + place),
        (b"XMP ", b"<x>" + place),
    ]
    body = b"".join(
        name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) & 1)
        for name, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body
