"""Frames of Feishu's long connection: protobuf (proto2) by hand, for it is one small message.

Field numbers as in the provider's pbbp2.proto (github.com/larksuite/oapi-sdk-python, lark_oapi/ws):
SeqID 1, LogID 2, service 3, method 4, headers 5 (key 1, value 2), payload_encoding 6, payload_type
7, payload 8, LogIDNew 9. Encoding: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

CONTROL = 0
DATA = 1

_VARINT, _BYTES = 0, 2
_NUMBERS = {1: "seq_id", 2: "log_id", 3: "service", 4: "method"}
_TEXTS = {6: "payload_encoding", 7: "payload_type", 9: "log_id_new"}
_LONGEST_VARINT = 10  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame. What we do not use is kept, so that an answer carries it back."""

    seq_id: int = 0
    log_id: int = 0
    service: int = 0
    method: int = CONTROL
    headers: tuple[tuple[str, str], ...] = ()
    payload_encoding: str = ""
    payload_type: str = ""
    payload: bytes = b""
    log_id_new: str = ""

    def header(self, name: str) -> str:
        """Return a header's value, "" when it is not there."""
        return dict(self.headers).get(name, "")


@dataclass(slots=True)
class _Reader:
    data: bytes
    at: int = 0

    def number(self) -> int:
        value = 0
        for n in range(_LONGEST_VARINT):
            if self.at >= len(self.data):
                raise ValueError("a frame ends within a number")
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << (7 * n)
            if byte < 0x80:
                return value
        raise ValueError("a number in a frame does not end")

    def part(self, length: int) -> bytes:
        end = self.at + length
        if end > len(self.data):
            raise ValueError("a frame ends within a field")
        found = self.data[self.at : end]
        self.at = end
        return found

    def each(self) -> Iterator[tuple[int, int | bytes]]:
        while self.at < len(self.data):
            tag = self.number()
            match tag & 7:
                case 0:
                    yield tag >> 3, self.number()
                case 2:
                    yield tag >> 3, self.part(self.number())
                case 1:
                    yield tag >> 3, self.part(8)
                case 5:
                    yield tag >> 3, self.part(4)
                case kind:
                    raise ValueError(f"a field of kind {kind} in a frame")


def decode(data: bytes) -> Frame:
    """Read a frame; fields of a later version are passed over. Errors: ValueError."""
    numbers: dict[str, int] = {}
    texts: dict[str, str] = {}
    headers: list[tuple[str, str]] = []
    payload = b""
    for number, value in _Reader(data).each():
        if isinstance(value, int):
            if number in _NUMBERS:
                numbers[_NUMBERS[number]] = value
        elif number == 5:
            pair = {n: v.decode() for n, v in _Reader(value).each() if isinstance(v, bytes)}
            headers.append((pair.get(1, ""), pair.get(2, "")))
        elif number == 8:
            payload = value
        elif number in _TEXTS:
            texts[_TEXTS[number]] = value.decode()
    return Frame(
        seq_id=numbers.get("seq_id", 0),
        log_id=numbers.get("log_id", 0),
        service=numbers.get("service", 0),
        method=numbers.get("method", CONTROL),
        headers=tuple(headers),
        payload_encoding=texts.get("payload_encoding", ""),
        payload_type=texts.get("payload_type", ""),
        payload=payload,
        log_id_new=texts.get("log_id_new", ""),
    )


def encode(frame: Frame) -> bytes:
    """Write a frame: the four numbers always, for they are required, and what else is not empty."""
    parts = [
        bytes([number << 3 | _VARINT]) + _varint(getattr(frame, name))
        for number, name in _NUMBERS.items()
    ]
    for key, value in frame.headers:
        parts.append(_field(5, _field(1, key.encode()) + _field(2, value.encode())))
    later = ((6, frame.payload_encoding), (7, frame.payload_type))
    parts += [_field(number, text.encode()) for number, text in later if text]
    if frame.payload:
        parts.append(_field(8, frame.payload))
    if frame.log_id_new:
        parts.append(_field(9, frame.log_id_new.encode()))
    return b"".join(parts)


def _field(number: int, value: bytes) -> bytes:
    return bytes([number << 3 | _BYTES]) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1  # a negative int32 is written as ten bytes
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
