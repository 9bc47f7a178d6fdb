"""The texts of a cluster in; its name in the complainers' own words and its face out.

A label is a run of words that several of the texts hold, particles between them aside, or a clause
of the representative where they share too little. Figures: docs/adr/0023-features-and-labels.md.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from classify.text import rewrite, tidy
from classify.vectors import split_fields

Idf = Callable[[Sequence[str]], Sequence[float]]

READ = 300  # characters of a title and of a text that are looked at
BODY_READ = 90  # characters of the body in which phrases are looked for
LABEL_CHARACTERS = 24
STUB = 10  # characters of a title below which the clauses after it count as its own
PHRASE = (4, 20)  # characters of a phrase, shortest and longest
LATIN_PHRASE = 40  # characters, longest, of a phrase in words parted by spaces
LONGEST_RUN = 8  # content words of a phrase
SHARED = 0.5  # of the texts, at least, that hold a phrase
SHARED_WORD = 0.3  # the same for a keyword
IN_BODY = 0.5  # worth of a phrase in a body beside one in a title
AT_BORDER = 1.15  # the same where a phrase begins or ends with its clause
BROKEN_OFF = 0.7  # the same where the texts share the next word, too: half a name
FEW = 3  # texts up to which a label stays that holds the better phrase
TELLS_ALONE = 6  # characters of a phrase that needs no clause around it
STAYS = 1.3  # by so much a new label must be better than the one so far
SAYS_NOTHING = 0.25  # of the highest idf among the words: the brand's name in its own shard
KEYWORDS = 3
GOOD_LENGTH = 60  # characters: a representative near this reads best

_EDGE = " \t\n,.;:!?、，。；：！？…~～-—·\"'“”‘’()（）[]【】《》<>#@/|_*+="
_OPENS, _CLOSES = "(（[【《“‘<", ")）]】》”’>"
_SOLID = re.compile(r"[^\W_]")
_CJK = re.compile(r"[㐀-鿿]")
_NOISE = re.compile(
    r"\[[^\[\]\s]{1,8}\]|@[\w\-]{0,30}|(?://\s*)?@[^:：\s]{1,30}[:：]"
    r"|展开全文|收起全文|网页链接|转发微博|[\w\-]{1,20}的(?:微博视频|秒拍视频)"
)
_CLAUSE = re.compile(
    r"[,;:!?、，。；：！？…~～\n#【】《》|]+|\s+-+\s+|\.{2,}|(?<=[㐀-鿿])\s+(?=[㐀-鿿])"
)
# Forms of writing to somebody: no part of what is wrong.
_ADDRESS = re.compile(
    r"^(?:(?:我要|强烈|实名|再次|紧急)?(?:投诉|举报|反映|曝光|求助|咨询|请问|询问|建议|呼吁|避雷|吐槽)(?:一下|信|贴)?"
    r"|关于|(?:恳请|希望|请求|请|望|求)(?:领导|平台|商家|有关部门|相关部门)?(?=[^\w]|$))[:：,，\s]*"
)
_GREETING = re.compile(r"^(?:尊敬的|敬爱的)|(?:您好|你好)$|^(?:大家好|领导好|各位)")
# What falls out of a run of words without changing what it says.
_PARTICLES_TEXT = "的 地 得 了 着 过 又 也 都 就 还 很 太 真 真的 吗 呢 吧 啊 呀 被 把 给 在 是"
# What no label begins or ends with.
_FUNCTION_TEXT = """
和 与 及 或 我 你 您 他 她 它 我们 你们 他们 咱们 自己 人家 这 那 这个 那个 这样 那样 这种 这里 那里
有 来 去 上 下 里 中 后 前 时 到 让 跟 对 从 向 往 请 为 为了 以 之 其 等 个 些 一个 一下 一直
什么 怎么 为什么 为何 如何 因为 所以 但 但是 如果 可以 可 要 会 能 想 说 而 而且 并 并且 由于 于 至
该 此 每 某 已 已经 才 再 只 更 最 比较 非常 十分 还是 不是 就是 不过 然后 现在 今天 昨天 目前 时候
之后 以后 之前 以前 关于 对于 进行 通过 问题 情况 希望 要求 反映 投诉 举报 咨询 请问 建议 恳请 请求
领导 您好 你好 谢谢 大家 有没有 是否 何时 多少 几 各 各位
the a an of to in on at for and or is are was were be been it this that these those with by from as
not but so my our your his her their we i you he she they has have had will would can do does did
just about after over into out up new more than via amp rt
"""
# What a clause may open with and still say the same without it.
_OPENERS_TEXT = "为什么 为何 怎么 如何 请问 因为 所以 但 但是 而且 然后 结果 关于 对于"
_PARTICLES = frozenset(_PARTICLES_TEXT.split())
_OPENERS = frozenset(_OPENERS_TEXT.split())
_FUNCTION_WORDS = _PARTICLES | frozenset(_FUNCTION_TEXT.split())


@dataclass(frozen=True, slots=True)
class Member:
    """What is remembered of one text: its length and its form (`vectors.Fields`)."""

    length: int
    has_title: bool
    is_complaint: bool


class _Run(NamedTuple):
    """A run of words in one text: as it stands there, particles and all."""

    surface: str
    is_whole: bool  # no particle stands in it


class _Phrase(NamedTuple):
    """A run of content words and how well it tells of the texts."""

    key: tuple[str, ...]
    surface: str
    score: float


@dataclass(frozen=True, slots=True)
class _Told:
    """One text in clauses of words as written; `n_title` of them are its title's."""

    clauses: tuple[tuple[str, ...], ...]
    n_title: int


def name_cluster(
    texts: Sequence[tuple[str, str]],
    face: int,
    segment: Callable[[str], list[str]],
    idf: Idf,
    before: str = "",
) -> tuple[str, tuple[str, ...]]:
    """Return the label and up to three keywords.

    `texts` are (title, text) as written: the exemplars, then up to some 30 newest members; `face`
    is the representative's index among them. `idf` weighs words in plain spelling. `before` is the
    label so far: it stays unless a new one is clearly better, so that names do not flicker.
    """
    several = len(texts) > 1
    told = [_tell(title, text, segment, title_only=not several) for title, text in texts]
    weights = _Weights(told, idf)
    phrases = _mine(told, weights) if several else {}
    best = max(phrases.values(), key=lambda one: (one.score, one.surface), default=None)
    stays = _score_of(before, phrases, segment) if best is not None else 0.0
    if best is None:
        stays = float(bool(before) and _is_told(before, told))
    elif len(told) <= FEW and best.surface in before:
        stays = best.score
    if stays and (best is None or stays * STAYS >= best.score):
        label = before
    else:
        label = _readable(best, told, face) if best else _clause(told[face], weights)
    return label, _keywords(told, weights, label)


# --- reading ------------------------------------------------------------------------------------


def _tell(title: str, text: str, segment: Callable[[str], list[str]], *, title_only: bool) -> _Told:
    given = tidy(_NOISE.sub(" ", title[:READ]))
    fields = split_fields(given, tidy(_NOISE.sub(" ", text[:READ])))
    heads = _clauses(fields.title, segment)
    told = len("".join(map("".join, heads)))
    if title_only and told >= STUB:
        return _Told(tuple(heads), len(heads))
    clauses = (*heads, *_clauses(fields.body[:BODY_READ], segment))
    n_title = len(heads)
    while told < STUB and n_title < len(clauses):  # 【好消息】 says nothing: what follows does
        told += len("".join(clauses[n_title]))
        n_title += 1
    return _Told(clauses, n_title)


def _clauses(text: str, segment: Callable[[str], list[str]]) -> list[tuple[str, ...]]:
    found = []
    for part in _CLAUSE.split(text):
        bare = _ADDRESS.sub("", part.strip(_EDGE)).strip(_EDGE)
        if _SOLID.search(bare) and not _GREETING.search(bare):
            found.append(tuple(segment(bare)))
    return found


class _Weights:
    """In how many texts each word stands and how rare it is; words in plain spelling."""

    def __init__(self, told: Sequence[_Told], idf: Idf) -> None:
        self.plain: dict[str, str] = {}
        self.held: Counter[str] = Counter()
        self.titled: set[str] = set()  # words of titles
        for one in told:
            mine = {self._plain_of(word) for clause in one.clauses for word in clause}
            self.held.update(word for word in mine if _SOLID.search(word))
            self.titled |= {self.plain[w] for clause in one.clauses[: one.n_title] for w in clause}
        words = sorted(self.held)
        self.idf = dict(zip(words, idf(words), strict=True)) if words else {}
        top = max(self.idf.values(), default=0.0)
        self.telling = {
            word
            for word, weight in self.idf.items()
            if word not in _FUNCTION_WORDS and weight >= SAYS_NOTHING * top
        }
        self.least = max(2, math.ceil(SHARED * len(told)))

    def _plain_of(self, word: str) -> str:
        plain = self.plain.get(word)
        if plain is None:
            plain = self.plain[word] = rewrite(word)
        return plain


# --- phrases ------------------------------------------------------------------------------------


def _mine(told: Sequence[_Told], weights: _Weights) -> dict[tuple[str, ...], _Phrase]:
    """Return the phrases that enough texts hold, by their content words."""
    worth: dict[tuple[str, ...], float] = defaultdict(float)
    holders: Counter[tuple[str, ...]] = Counter()
    surfaces: dict[tuple[str, ...], Counter[_Run]] = defaultdict(Counter)
    for one in told:
        mine: dict[tuple[str, ...], float] = {}
        for number, clause in enumerate(one.clauses):
            value = 1.0 if number < one.n_title else IN_BODY
            for key, run, rounded in _runs(clause, weights):
                mine[key] = max(mine.get(key, 0.0), value * rounded)
                surfaces[key][run] += 1
        for key, value in mine.items():
            worth[key] += value
        holders.update(mine)
    found = {}
    for key, count in holders.items():
        if count >= weights.least:
            surface = _surface(surfaces[key])
            telling = sum(weights.idf[word] for word in key) / len(key)
            score = worth[key] * math.sqrt(len(surface) * telling)
            found[key] = _Phrase(key, surface, score)
    return found


def _runs(
    clause: Sequence[str], weights: _Weights
) -> Iterator[tuple[tuple[str, ...], _Run, float]]:
    """Yield runs of content words, how they stand there and how well rounded they are."""
    plain = [weights.plain[word] for word in clause]
    shared = [weights.held[word] >= weights.least for word in plain]
    for first, word in enumerate(plain):
        if not (shared[first] and _may_begin(plain, shared, first)):
            continue
        if word not in weights.telling and not _is_code(word):
            continue
        begins = _roundness(plain, shared, first - 1)
        key: list[str] = []
        surface, is_whole = "", True
        for last in range(first, len(plain)):
            surface += clause[last]
            if plain[last] in _PARTICLES or plain[last].isspace():
                is_whole = is_whole and plain[last].isspace()
                continue
            if not shared[last] or not _fits(surface) or len(key) == LONGEST_RUN:
                break
            key.append(plain[last])
            if len(surface) >= PHRASE[0] and _may_end(plain, last, weights):
                rounded = begins * _roundness(plain, shared, last + 1)
                yield tuple(key), _Run(surface, is_whole), rounded


def _is_code(word: str) -> bool:
    """Letters and digits before a name belong to it: A7县, K2养生壶."""
    return (word.isascii() and word.isalnum() and word not in _FUNCTION_WORDS) or word == "a"


def _may_begin(plain: Sequence[str], shared: Sequence[bool], first: int) -> bool:
    """Half a name (县春华镇 of A7县春华镇) is no beginning."""
    if first == 0 or not shared[first - 1]:
        return True
    return len(plain[first]) > 1 and not _is_code(plain[first - 1])


def _may_end(plain: Sequence[str], last: int, weights: _Weights) -> bool:
    """Refuse a number or a single character: something longer may begin with it."""
    word = plain[last]
    if word not in weights.telling or word.isdecimal():
        return False
    return len(word) > 1 or last == len(plain) - 1 or plain[last + 1] in _FUNCTION_WORDS


def _roundness(plain: Sequence[str], shared: Sequence[bool], beside: int) -> float:
    """Return what the word beside a run makes of it."""
    if not 0 <= beside < len(plain):
        return AT_BORDER
    return BROKEN_OFF if shared[beside] and plain[beside] not in _FUNCTION_WORDS else 1.0


def _fits(surface: str) -> bool:
    return len(surface) <= (PHRASE[1] if _CJK.search(surface) else LATIN_PHRASE)


def _surface(runs: Counter[_Run]) -> str:
    """Return how it is mostly put, without particles where somebody puts it so."""
    ranked = sorted(runs, key=lambda run: (not run.is_whole, -runs[run], len(run.surface), run))
    return ranked[0].surface


def _readable(phrase: _Phrase, told: Sequence[_Told], face: int) -> str:
    """Return the phrase, or the shortest clause of a title around one that is too short."""
    if len(phrase.surface) >= TELLS_ALONE:
        return phrase.surface
    order = [told[face], *(one for number, one in enumerate(told) if number != face)]
    clauses = [
        text
        for one in order
        for clause in one.clauses[: one.n_title]
        if phrase.surface in "".join(clause) and phrase.surface in (text := _cut(clause))
    ]
    return min(clauses, key=len) if clauses else phrase.surface


def _score_of(
    before: str,
    phrases: dict[tuple[str, ...], _Phrase],
    segment: Callable[[str], list[str]],
) -> float:
    """Return how well the label so far still tells of the texts: 0.0 when too few hold it."""
    if not before:
        return 0.0
    whole = [one.score for one in phrases.values() if one.surface in before]
    words = tuple(
        plain
        for word in segment(before)
        if (plain := rewrite(word)) not in _PARTICLES and _SOLID.search(plain)
    )
    if words in phrases:
        return phrases[words].score
    return max(whole, default=0.0)


def _is_told(label: str, told: Sequence[_Told]) -> bool:
    return any(label in "".join(clause) for one in told for clause in one.clauses)


def _clause(told: _Told, weights: _Weights) -> str:
    """Return the clause of one text that tells most, of its title where it has one."""
    clauses = told.clauses[: told.n_title] or told.clauses
    if not clauses:
        return ""
    return _cut(max(clauses, key=lambda clause: _tells(clause, weights)))


def _tells(clause: Sequence[str], weights: _Weights) -> float:
    words = {weights.plain[word] for word in clause} & weights.telling
    return sum(weights.idf[word] for word in words if len(word) > 1)


def _cut(clause: Sequence[str]) -> str:
    """Join words as far as they fit into a label; no particle or number stands last of a cut."""
    kept = list(clause)
    while len(kept) > 1 and kept[0] in _OPENERS:
        kept.pop(0)
    while len(kept) > 1 and kept[-1] in _PARTICLES:
        kept.pop()
    fitting = len(kept)
    while len("".join(kept)) > LABEL_CHARACTERS and len(kept) > 1:
        kept.pop()
    if len(kept) < fitting:
        while len(kept) > 1 and (kept[-1] in _FUNCTION_WORDS or kept[-1].isdecimal()):
            kept.pop()
    return "".join(kept)[:LABEL_CHARACTERS].strip(_EDGE)


# --- keywords and face --------------------------------------------------------------------------


def _keywords(told: Sequence[_Told], weights: _Weights, label: str) -> tuple[str, ...]:
    """Return the words that tell most beside the label; those in it where there are no others."""
    least = min(len(told), max(2, math.ceil(SHARED_WORD * len(told))))
    shown = rewrite(label)

    def worth(word: str) -> float:
        return weights.idf[word] * weights.held[word] * (1.5 if word in weights.titled else 1.0)

    words = [word for word in weights.telling if len(word) > 1 and weights.held[word] >= least]
    words.sort(key=lambda word: (word in shown, -worth(word), word))
    spelled = {plain: word for word, plain in reversed(weights.plain.items())}
    return tuple(spelled[word] for word in words[:KEYWORDS])


def choose_face(members: Sequence[Member], likeness: Sequence[float]) -> int:
    """Return the index of the member that stands for all.

    `likeness` is each one's mean cosine to the others; far from 60 characters and without a
    headline counts against it. Equal ones: the oldest.
    """

    def worth(index: int) -> float:
        member = members[index]
        off = abs(math.log((member.length + 10) / (GOOD_LENGTH + 10)))
        return likeness[index] / (1.0 + 0.15 * off) * (1.0 if member.has_title else 0.95)

    return max(range(len(members)), key=lambda index: (worth(index), -index))
