"""The values that a configuration is made of: durations, sizes, times of day, zones, ids, secrets.

In: what YAML gave. Out: a checked value, or a ValueError that says what was expected.
"""

from __future__ import annotations

import math
import os
import re
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    WithJsonSchema,
)

from config.errors import ConfigError

_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(s|m|h|d)")
_DURATION_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST_S = 3650 * 86400  # ten years: beyond it now + duration may leave the calendar
_BYTES = re.compile(r"([0-9]{1,12})\s*(B|KiB|MiB)?")
_BYTE_UNITS = {None: 1, "B": 1, "KiB": 1024, "MiB": 1024 * 1024}
_RATE = re.compile(r"1/([0-9]{1,6}(?:\.[0-9]{1,6})?)(s|m)")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00")
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
# What lies outside is a slip of the pen; near the ends of the calendar no months can be added.
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2099, 6, 30)

ISSUE_CLASSES = (
    "产品质量",
    "安全与人身",
    "售后维修",
    "服务态度",
    "物流配送",
    "价格与收费",
    "退款退货",
    "虚假宣传",
    "隐私与数据",
    "功能与体验",
    "渠道与门店",
    "舆论与传闻",
    "其他",
)
# What has to be done, as routes name it, and the class that it comes under. Parents as the readers
# of real complaints saw them together (tests/eval/issues_real_train.csv).
SUB_CLASSES = {
    "等备件": "售后维修",
    "维修费用": "售后维修",
    "反复维修": "售后维修",
    "无网点": "渠道与门店",
    "客服不回应": "服务态度",
    "渠道不作为": "售后维修",
    "拒绝保修": "售后维修",
    "预约爽约": "服务态度",
}


def _duration(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(str(value))
    seconds = float(match[1]) * _DURATION_UNITS[match[2]] if match else math.inf
    if match is None or seconds > _LONGEST_S:
        raise ValueError(f'expected a duration such as "15m", "2h" or "1d", got {value!r}')
    return timedelta(seconds=seconds)


def _size(value: object) -> object:
    match = _BYTES.fullmatch(str(value))
    if match is None:
        raise ValueError(f'expected a size such as "10MiB", got {value!r}')
    return int(match[1]) * _BYTE_UNITS[match[2]]


def _rate(value: object) -> object:
    if isinstance(value, float) and value >= 0:
        return value
    match = _RATE.fullmatch(str(value))
    if match is None:
        raise ValueError(f'expected a rate such as "1/5s", got {value!r}')
    return float(match[1]) * (60.0 if match[2] == "m" else 1.0)


def _clock(value: str) -> str:
    if _CLOCK.fullmatch(value) is None:
        raise ValueError(f'expected a time of day such as "09:00", got {value!r}')
    return value


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())  # walks the zone files: 25 ms, hence once


def _timezone(value: str) -> str:
    if value not in _zone_names():
        raise ValueError(f'expected an IANA time zone such as "Asia/Shanghai", got {value!r}')
    return value


def _identifier(value: str) -> str:
    if _ID.fullmatch(value) is None:
        raise ValueError(f"expected an id of a-z, 0-9, - and _ (at most 63), got {value!r}")
    return value


# A project may have classes of its own, so any text will do here; config.issue_checks knows them.
_ISSUE = {"type": "string", "examples": [*ISSUE_CLASSES, *SUB_CLASSES]}


def _words(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration, json_schema_input_type=str),
    PlainSerializer(lambda value: f"{value.total_seconds():g}s"),
]
Size = Annotated[int, BeforeValidator(_size, json_schema_input_type=str | int)]
SecondsPerRequest = Annotated[float, BeforeValidator(_rate, json_schema_input_type=str)]
ClockTime = Annotated[str, AfterValidator(_clock)]
Timezone = Annotated[str, AfterValidator(_timezone)]


def _possible(value: date) -> date:
    if not FIRST_DAY <= value <= LAST_DAY:
        raise ValueError(f"expected a day from {FIRST_DAY} to {LAST_DAY}, got {value}")
    return value


PossibleDay = Annotated[date, AfterValidator(_possible)]
Identifier = Annotated[str, AfterValidator(_identifier)]
Words = Annotated[
    tuple[str, ...], BeforeValidator(_words, json_schema_input_type=str | tuple[str, ...])
]
IssueNames = Annotated[
    tuple[str, ...],
    BeforeValidator(_words),
    WithJsonSchema({"anyOf": [_ISSUE, {"type": "array", "items": _ISSUE}]}),
]
LevelName = Literal["blue", "yellow", "orange", "red"]
MediaTier = Literal["", "large_account", "trade", "provincial", "central", "regulator"]


class SecretRef(str):
    """A reference to a secret (`env:NAME` or `file:/path`), never the secret itself.

    Errors: a literal is refused when the configuration is read; `resolve` raises ConfigError when
    the variable or file is missing. Printing shows the reference only.
    """

    __slots__ = ()

    @classmethod
    def parse(cls, value: object) -> SecretRef:
        """Accept `env:NAME` and `file:/path`; anything else may be a secret written literally."""
        text = str(value)
        if re.fullmatch(r"env:[A-Za-z_][A-Za-z0-9_]*|file:/.+", text) is None:
            raise ValueError("secret written literally: write env:NAME or file:/path instead")
        return cls(text)

    def resolve(self) -> str:
        """Return the secret's value."""
        kind, _, rest = self.partition(":")
        if kind == "env":
            value = os.environ.get(rest)
            if not value:
                raise ConfigError(
                    f"secret {self!s}: environment variable {rest} is not set or empty"
                )
            return value
        try:
            value = Path(rest).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(f"secret {self!s}: cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise ConfigError(f"secret {self!s}: the file is not UTF-8 text") from error
        if not value:
            raise ConfigError(f"secret {self!s}: the file is empty")
        return value


Secret = Annotated[
    SecretRef,
    BeforeValidator(SecretRef.parse),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "format": "secret", "pattern": "^(env:|file:/)"}),
]


class Model(BaseModel):
    """Base of all: unknown keys are errors, values never change after reading."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, arbitrary_types_allowed=True, allow_inf_nan=False
    )
