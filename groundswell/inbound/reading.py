"""Reads an answer as people type it at night: a text in, what it asks for out. Pure.

舆-7F3K·2·黄 确认 | 收到 | 1 | 误报 旧闻 | 转派 周岚 | 静默 1小时 | 处理完毕 已换货 | 进展 已联系
| 验证 123456
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

_LONGEST = 1000  # characters of an answer that are looked at
_REMARK = 500  # characters that are kept of what stands behind the word

# Where somebody else's words begin in a mail, and where a signature does.
_QUOTED = re.compile(
    r"^\s*(>|-{2,}\s*(original message|forwarded message|原始邮件|转发邮件|回复的原邮件)"
    r"|_{8,}|on .{4,120} wrote:|在.{4,120}(写道|写到)[:：]|from:\s|发件人[:：]|-- ?$"
    r"|sent from my |发自我的|来自我的|get outlook for )",
    re.IGNORECASE,
)
_MENTION = re.compile(r"^(?:@\S+\s*)+")

_GAP = r"[\s\-‐-―_·・•‧∙.。,，、:：/|()（）\[\]【】]*"
# What a code ends with is only taken for the number of the epoch when it is marked as one, for "1"
# by itself means that somebody has it in hand.
_CODE = re.compile(
    rf"舆{_GAP}([0-9A-Z]{{4,20}})"
    rf"(?:{_GAP}(\d{{1,3}})(?={_GAP}[蓝黄橙红])|[\-·・•‧∙.](\d{{1,3}})(?!\d))?"
    rf"(?:{_GAP}[蓝黄橙红])?",
    re.IGNORECASE,
)
_BARE_CODE = re.compile(
    rf"(?<![0-9A-Z])([0-9A-Z]{{4,10}})(?![0-9A-Z])"
    rf"(?:{_GAP}(\d{{1,3}})(?={_GAP}[蓝黄橙红])|[\-·・•‧∙.](\d{{1,3}})(?!\d))?"
    rf"(?:{_GAP}[蓝黄橙红])?",
    re.IGNORECASE,
)
_LIKE = str.maketrans("OILU", "011V")  # letters that codes do not have, as they are misread
_EDGE = " \t\r\n-‐‑–—_·・•‧∙.。,，、;；:：!！~～/|()（）[]【】\"'“”"

_END = r"(?=$|[\s,，.。;；!！:：、~～])"
_PROOF = re.compile(r"(?:验证码?|校验码?|code)?\s*[:：]?\s*([0-9]{6})")
_WORDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("handled", re.compile(r"(处理完毕|处理完成|处理完了?|已处理|已解决|handled|done)")),
    ("dismiss", re.compile(r"(误报|dismiss)")),
    (
        "not_mine",
        re.compile(r"((这|此)?(件)?事?不(归|该)我管?|不是我(管|负责|的事)|not\s+mine)的?"),
    ),
    ("assign", re.compile(r"(转派给?|转给|转交给?|assign(\s+to)?)")),
    ("silence", re.compile(r"(静默|静音|silence|mute)")),
    ("note", re.compile(r"(进展|备注|note)")),
    ("ack", re.compile(rf"((已?确认)?收到|已?确认|我?来?接手|1|ok|ack|yes)(了|啦|的)?{_END}")),
)
# What comes right behind "误报" or "处理完毕" and takes it back, or asks: 已解决不了, 误报？不是吧
_TAKEN_BACK = re.compile(r"[?]|[了得]?([不没别未無无]|吗|嘛)|的?可能|率|n't|\s*not\b")
# An acknowledge stops the calls to others, so one that sounds doubtful is none.
_DOUBT = re.compile(r"[不没别未無无吗嘛?？]|n't|\b(not|but|no)\b", re.IGNORECASE)

_NUMBERS = {
    "半": 0.5, "一": 1, "两": 2, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "八": 8, "十二": 12,
}  # fmt: skip
_LENGTH = re.compile(
    r"(\d{1,4}(?:\.\d)?|十二|[半一两二三四五六八])\s*个?\s*(半)?\s*"
    r"(小时|钟头|分钟?|天|h(?:ours?)?|m(?:in(?:utes?)?)?|d(?:ays?)?)(?![a-z])",
    re.IGNORECASE,
)
_UNITS = {"小": 60, "钟": 60, "h": 60, "分": 1, "m": 1, "天": 1440, "d": 1440}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One way to read an answer. `code` as incidents have it, "" when none is named.

    `word`: "ack", "dismiss", "assign", "silence", "handled", "note", "verify", "not_mine";
    "unclear" for one that sounds doubtful, "" for none of them. `epoch`: the one the code names.
    """

    word: str
    code: str = ""
    epoch: int | None = None
    remark: str = ""


def read(text: str) -> tuple[Said, ...]:
    """Return how an answer may be read, the likeliest first; at least one way.

    Which of the codes is one is known only where the incidents are. What is quoted is not read.
    """
    written = own_words(text)
    proof = _PROOF.fullmatch(written.strip(_EDGE))
    found = [Said(word="verify", remark=proof[1])] if proof else []
    coded = [said for match in _CODE.finditer(written) for said in _with_code(written, match)]
    if not coded:
        bare = _BARE_CODE.finditer(written)
        coded = [said for match in bare for said in _with_code(written, match)]
        return (*found, *coded, _said(written))
    return (*found, *coded)


def own_words(text: str) -> str:
    """Return what the person wrote himself: no quotation, no signature, one way of writing."""
    plain = unicodedata.normalize("NFKC", text.replace("\u200b", "").replace("\ufeff", ""))
    lines: list[str] = []
    for line in plain.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if _QUOTED.match(line):
            break
        lines.append("".join(one for one in line if one.isprintable()))
    return _MENTION.sub("", "\n".join(lines).strip())[:_LONGEST].strip()


def length_of(remark: str) -> timedelta | None:
    """Return the length of time that a text names: 1小时, 90 分钟, 半天, 2h; None for none."""
    match = _LENGTH.search(remark)
    if match is None:
        return None
    number = _NUMBERS.get(match[1])
    count = float(match[1]) if number is None else number
    count += 0.5 if match[2] else 0.0
    minutes = count * _UNITS[match[3][0].lower()]
    return timedelta(minutes=minutes) if minutes >= 1 else None


def _with_code(written: str, match: re.Match[str]) -> Iterator[Said]:
    """Yield what is said of a code: as written, and with a number glued to it taken as epoch."""
    rest = f"{written[: match.start()].strip(_EDGE)} {written[match.end() :].strip(_EDGE)}"
    marked = match[2] or match[3]
    body = match[1].upper().translate(_LIKE)
    yield _said(rest, code=f"舆-{body}", epoch=int(marked) if marked else None)
    for length in range(len(body) - 1, 3, -1):
        if not marked and body[length:].isdigit() and len(body) - length <= 3:
            yield _said(rest, code=f"舆-{body[:length]}", epoch=int(body[length:]))


def _said(text: str, *, code: str = "", epoch: int | None = None) -> Said:
    """Return what a text says that has no code in it any more: its first word decides."""
    bare = _MENTION.sub("", text.strip(_EDGE)).strip(_EDGE)
    for word, pattern in _WORDS:
        match = re.match(pattern, bare.lower())
        if match is None:
            continue
        remark = bare[match.end() :].strip(_EDGE)[:_REMARK]
        doubtful = _DOUBT.search(remark.partition("\n\n")[0]) if word == "ack" else None
        asked = word in {"dismiss", "handled"} and (
            remark.endswith(("吗", "?", "？")) or _TAKEN_BACK.match(bare.lower()[match.end() :])
        )
        return Said(
            word="unclear" if doubtful or asked else word, code=code, epoch=epoch, remark=remark
        )
    return Said(word="", code=code, epoch=epoch, remark=bare[:_REMARK])
