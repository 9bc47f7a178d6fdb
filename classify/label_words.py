"""The texts of a cluster in; their clauses in words, and how much each word tells of all, out."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from classify.text import rewrite, tidy
from classify.vectors import split_fields

Idf = Callable[[Sequence[str]], Sequence[float]]

READ = 300  # characters of a title and of a text that are looked at
BODY_READ = 90  # characters of the body in which phrases are looked for
STUB = 10  # characters of a title below which the clauses after it count as its own
SHARED = 0.5  # of the texts, at least, that hold a phrase
SAYS_NOTHING = 0.25  # of the highest idf among the words: the brand's name in its own shard

EDGE = " \t\n,.;:!?、，。；：！？…~～-—·\"'“”‘’()（）[]【】《》<>#@/|_*+="
SOLID = re.compile(r"[^\W_]")
CJK = re.compile(r"[㐀-鿿]")
NOISE = re.compile(
    r"\[[^\[\]\s]{1,8}\]|@[\w\-]{0,30}|(?://\s*)?@[^:：\s]{1,30}[:：]"
    r"|展开全文|收起全文|网页链接|转发微博|[\w\-]{1,20}的(?:微博视频|秒拍视频)"
)
CLAUSE = re.compile(
    r"[,;:!?、，。；：！？…~～\n#【】《》|←-⯿\U0001f000-\U0001faff]+|\s+-+\s+|\.{2,}|(?<=[㐀-鿿])\s+(?=[㐀-鿿])"
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
PARTICLES = frozenset(_PARTICLES_TEXT.split())
OPENERS = frozenset(_OPENERS_TEXT.split())
FUNCTION_WORDS = PARTICLES | frozenset(_FUNCTION_TEXT.split())


@dataclass(frozen=True, slots=True)
class Told:
    """One text in clauses of words as written; `n_title` of them are its title's."""

    clauses: tuple[tuple[str, ...], ...]
    n_title: int


def tell_text(
    title: str, text: str, segment: Callable[[str], list[str]], *, title_only: bool
) -> Told:
    """Part title and text in clauses; `title_only` where a title that says something is enough."""
    given = tidy(NOISE.sub(" ", title[:READ]))
    fields = split_fields(given, tidy(NOISE.sub(" ", text[:READ])))
    heads = _clauses(fields.title, segment)
    told = len("".join(map("".join, heads)))
    if title_only and told >= STUB:
        return Told(tuple(heads), len(heads))
    clauses = (*heads, *_clauses(fields.body[:BODY_READ], segment))
    n_title = len(heads)
    while told < STUB and n_title < len(clauses):  # 【好消息】 says nothing: what follows does
        told += len("".join(clauses[n_title]))
        n_title += 1
    return Told(clauses, n_title)


def _clauses(text: str, segment: Callable[[str], list[str]]) -> list[tuple[str, ...]]:
    return [tuple(segment(bare)) for part in CLAUSE.split(text) if (bare := bare_of(part))]


def bare_of(part: str) -> str:
    """Return a clause without forms of address, "" when nothing else is in it."""
    bare = _ADDRESS.sub("", part.strip(EDGE)).strip(EDGE)
    return bare if SOLID.search(bare) and not _GREETING.search(bare) else ""


class Weights:
    """In how many texts each word stands and how rare it is; words in plain spelling."""

    def __init__(self, told: Sequence[Told], idf: Idf) -> None:
        self.plain: dict[str, str] = {}
        self.held: Counter[str] = Counter()
        self.titled: set[str] = set()  # words of titles
        for one in told:
            mine = {self._plain_of(word) for clause in one.clauses for word in clause}
            self.held.update(word for word in mine if SOLID.search(word))
            self.titled |= {self.plain[w] for clause in one.clauses[: one.n_title] for w in clause}
        words = sorted(self.held)
        self.idf = dict(zip(words, idf(words), strict=True)) if words else {}
        top = max(self.idf.values(), default=0.0)
        self.telling = {
            word
            for word, weight in self.idf.items()
            if word not in FUNCTION_WORDS and weight >= SAYS_NOTHING * top
        }
        self.texts = len(told)
        self.least = max(2, math.ceil(SHARED * len(told)))

    def _plain_of(self, word: str) -> str:
        plain = self.plain.get(word)
        if plain is None:
            plain = self.plain[word] = rewrite(word)
        return plain
