"""A text in, the grave facts it states out: somebody hurt, a fire, a child, a regulator.

A fact counts when it is stated, also as a near miss (差点着火: it nearly burnt, the danger was
real). It does not count when it is denied (没有人受伤, 官方辟谣), only supposed (万一着火),
threatened (再不退就去法院), asked about, advised against (谨防触电), told in a film or a game,
sold against (防火门), or a figure of speech (气死我了, 火爆).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from classify.patterns import Place, patterns
from classify.text import normalise
from storage.records import BrandHit

FACTS = (
    "death",
    "injury",
    "fire",
    "child",
    "food",
    "data_leak",
    "money",
    "regulator",
    "lawyer",
    "media",
    "gathering",
)
_LOOKED_AT = 3000  # characters; patterns are bounded, so the cost is linear in them
_HARMS = frozenset({"death", "injury", "fire", "food", "data_leak"})  # that a child makes graver
_BODILY = frozenset({"death", "injury", "fire", "food"})
_ACTS = frozenset({"regulator", "lawyer", "media", "gathering"})  # that people threaten with

# What stands before a fact in its own clause, within a few characters, may take it back.
_DENIED = re.compile(
    r"(?:没有?(?!想到|人管)|没人|无人?|未(?!经|及时|能|按|成年)|并?非|不是|不存在|否认|不属于|尚无|尚未|暂无|排除|避免了?|防止|不会|不红|不(?!幸|慎|久|断|停|到|知|料|明|锈|让|给|退|还|发|予|见|住))"
    r"[^,;:。!?\n]{0,6}$"
)
_SUPPOSED = re.compile(
    r"(?:会不会|一旦|如(?=那天|发生|出现)|可能(?=发生|引发|导致|造成)|难道要?|万一|如果|要是|假如|假设|倘若|若是|若(?:发生|出现)|哪天|何时|等到|别等|怕(?!要)|担心|生怕|以免|免得|谨防|预防"
    r"|小心|当心|严防|请勿|切勿|勿|不要|可能会|恐怕|说不定|迟早|早晚|非要|非得|要不要|防|怀疑|易(?:引发|发生)|容易(?:引发|导致)"
    r"|有没有|遇到过|是不是非?要?|没有必要|没必要|不想|懒得|算了)"
    r"[^;:。!?\n]{0,14}$"
)
_NEAR_MISS = re.compile(r"(?:差点|差一点|险些|几乎|差不多要?|险)[^,;:。!?\n]{0,8}$")
# An office that is asked to act has not acted yet.
_WISHED = re.compile(
    r"(?:希望|恳请|请求?|望|要求|建议|呼吁|盼|应该|强烈|什么时候|何时|需要)[^;。!?]{0,24}$"
)
_CLAUSE_START = re.compile(r"[,;:。!?\n…~]")
_THREAT = re.compile(
    r"(?:再(?:不|没|拖|这样)|信不信|逼急|惹急|不退钱?我?就|不处理我?就|说到做到|可就要|小心我|走着瞧|别逼)"
)
_ASKED = re.compile(
    r"(?:吗|么|呢|怎么办?|如何|多久|多少钱|哪个|哪里|怎样|什么原因|区别|有用|需要什么|哪些|请问|咨询|想问|求问)"
    r"[^。!\n]{0,10}[?吗呢]?\s*$"
)
_ASKS = re.compile(
    r"^(?:请问|想问|咨询|求助?问|有没有人|如何|怎么|怎样|什么时候)|(?:咨询|询问)[^,。]{0,16}"
)
# 怎么会在别人手里? is no question: it happened.
_STATED = re.compile(
    r"(?:怎么会?(?:在|到|有|知道)|已经?|昨[天晚]|今[天早]|刚才?|上[周月]|当场|结果|目前|现在|了[,。!])"
)
_FICTION = re.compile(
    r"游戏|电影|电视剧|小说|主角|女主|男主|导演|编剧|剧情|综艺|动漫|番里|cp|新歌|演唱|偶像|哥哥|吃鸡|落地就"
)
_TEACHING = re.compile(
    r"宣传周|讲座|培训|演练|提醒(?:[:您你]|广大|市民)|提示[:,]|小课堂|课堂|科普|教你|安全教育|须知|开放日|体验|预防|招数|攻略|防范"
    r"|谨防|学习|学灭火|说法:|指南|招聘|捐赠|知识"
)
_ADVERT = re.compile(
    r"立减|首月|厂家直销|仅需|特价|限时|欢迎(?:来电|私信|咨询)|买[一二]送[一二]|下载|全报销|都能赔|报销|代理案件|秒急|质检齐全"
    r"|必备|神器|一贴见效|入住更安心|家装首选|为家人添|胜诉后付费|克星"
)
_REFUTED = re.compile(
    r"辟谣|谣言|不实|系误|误报|虚惊|请勿信谣|不信谣|未发生|表示满意|误会已|检测合格|无不适|已退回"
    r"|全额到账|未外泄|未发现|虚假消息|不知道真假|真的假的|假消息"
)


def severity(text: str) -> tuple[str, ...]:
    """Return the grave facts that a text states, in the order of FACTS."""
    plain = normalise(text[: 2 * _LOOKED_AT])[:_LOOKED_AT]
    stated: set[str] = set()
    for sentence, places in patterns("severity").find(plain):
        stated.update(_stated(sentence, places))
    if stated & _BODILY and _REFUTED.search(plain):
        stated -= _BODILY
    if not stated & _HARMS:
        stated.discard("child")
    return tuple(fact for fact in FACTS if fact in stated)


def products(hits: Iterable[BrandHit]) -> tuple[str, ...]:
    """Return the ids of the products that are named, each once, in the order they stand."""
    return tuple(dict.fromkeys(hit.product for hit in hits if hit.product))


def _stated(sentence: str, places: Sequence[Place]) -> Iterator[str]:
    """Yield the facts that a sentence states."""
    if _is_aside(sentence):
        return
    fiction, threat = bool(_FICTION.search(sentence)), bool(_THREAT.search(sentence))
    dies = any(place.name == "death" for place in places)
    for name, start, end in places:
        if name == "child":
            yield name
            continue
        if (fiction and name not in {"money", "data_leak"}) or (threat and name in _ACTS):
            continue
        before = sentence[max(0, start - 24) : start]
        borders = list(_CLAUSE_START.finditer(before))
        clause = before[borders[-1].end() :] if borders else before
        if _NEAR_MISS.search(clause):
            # nobody has died who nearly did; that it was dangerous stays true
            yield "injury" if name == "death" else name
        elif name == "regulator" and _WISHED.search(before):
            continue
        elif name == "injury" and dies and "伤" not in sentence[start:end]:
            continue  # it tells how somebody died
        elif not _DENIED.search(clause) and not _SUPPOSED.search(before):
            yield name


def _is_aside(sentence: str) -> bool:
    """Say whether a sentence asks, teaches, sells or refutes: what it names did not happen."""
    if _REFUTED.search(sentence) or _TEACHING.search(sentence) or _ADVERT.search(sentence):
        return True
    asks = sentence.rstrip().endswith("?") or bool(_ASKS.search(sentence))
    return asks and bool(_ASKED.search(sentence)) and not _STATED.search(sentence)
