"""Where somebody lives and what somebody is called, as far as the words around it say so.

In: a text. Out: (kind, start, end). An address is masked from its house number on: street and
estate stay, so that a complaint keeps its place. Shops, offices and public places stay whole; so do
names without a word such as 联系人 before them: no rule tells a customer from a minister.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

Found = tuple[str, int, int]

_N = r"(?:[0-9]{1,4}|[一二三四五六七八九十百零〇]{1,4})"
_BLOCK_NO = rf"(?:[A-Za-z甲乙丙丁]?{_N}|[A-Za-z甲乙丙丁])"
_BLOCK = rf"{_BLOCK_NO}(?:号楼|幢|栋|座|#楼?|号院|弄)"
_UNIT = rf"(?:{_N}|[A-Za-z甲乙丙丁东西南北中]) ?(?:单元|门|梯)"
_FLOOR = rf"{_N}[楼层]"
# No number of people, things, years or square metres.
_ROOM = (
    r"(?:[0-9]{3,5}[A-Za-z]?(?![0-9])|[0-9]{1,2}(?=室|号(?!户型))|[一二三四五六七八九][零〇一二三四五六七八九]{2,3})"
    r"(?: ?(?:号房|室|房|号(?!户型)))?(?! ?m)(?![年月天人户台套家元块万平米㎡%层楼多个余名位度分])"
)
_GAP = "[ ,，、-]?"
_STREET_NO = rf"(?:{_N}号|{_N}弄)[^，。！？；,!?;\n0-9]{{0,10}}?"
# Building, then unit or floor or both, then room; before it perhaps the number in the street.
_HOME = re.compile(
    rf"(?:{_STREET_NO})?{_BLOCK}{_GAP}(?:{_BLOCK}{_GAP})?"
    rf"(?:{_UNIT}{_GAP}(?:{_FLOOR}{_GAP}{_ROOM}|{_FLOOR}|{_ROOM})"
    rf"|(?:{_FLOOR}{_GAP})?(?:{_N}-)?{_N}号{_ROOM}|(?:{_FLOOR}{_GAP})?(?:[0-9]{{1,2}}-)?{_ROOM})"
)
_UNIT_HOME = re.compile(rf"{_STREET_NO}{_UNIT}{_GAP}(?:{_FLOOR}{_GAP})?{_ROOM}")
_DASHED = re.compile(
    r"(?:小区|花园|[苑城园府庭湾里村郡邸墅]|公寓|家园|华庭|名居|收货|地址)[ :：]?"
    r"((?:[0-9]{1,3}-[0-9]{1,3}-[0-9]{2,4}|[0-9]{1,3}-[0-9]{3,4})室?)(?![0-9\-])"
    r"(?![年月日人户台套元号线])"
)
_LANE = re.compile(
    r"(?:(?<!小)(?<!目)组|巷|胡同)((?:附|甲|乙)?[0-9]{1,4}号)(?![楼线店院])"
    r"|[村屯寨坪塘冲庄湾]((?:附|甲|乙)?(?:3[2-9]|[4-9][0-9]|[1-9][0-9]{2,3})号)(?![楼线店院])"
)
_STREET_ROOM = re.compile(
    r"[路街巷弄道里]([0-9]{1,4}号(?:院)?(?:[东西南北前后][头边面侧栋]?)?[0-9]{3,4}(?:室|房|户|(?=住户)))"
)
_AT_HOME = re.compile(
    r"(?:家住|住在|住址|居住|家在|家庭地址|家庭住址|收货地址|收件地址|收货|收件|寄到|寄往|送到|户籍|"
    r"(?:我|本人)住|地址)[^，。！？；,!?;\n]{0,30}?"
    rf"(?:[路街道巷里弄村镇]|胡同|大道|新村|[一二三四五六七八九0-9]条)((?:甲|乙|附)?{_N}号(?:院|内)?)"
    r"(?![楼线店栋幢座门铺])"
)
_BUSINESS = re.compile(
    "店|专柜|商场|广场|大厦|中心|公司|集团|厂|医院|学校|大学|学院|教学|法院|派出所|公安|[局署](?!坪)|政府|"
    "银行|酒店|宾馆|4[sS]|专卖|门市|市场|超市|产业园|园区|工业|科技|办公|百货|旗舰|维修|网点|售后|服务站|"
    "营业厅|仓|铺|会所|办事|总部|注册|行政|展厅|体验|急诊|车站|机场"
)
_LIVES = re.compile(
    "住|(?<!大)家(?!居|电|具|店)|收货|收件|寄到|寄往|送到|送货|上门|邻居|业主|户主|居民|我是"
)
_ESTATE = re.compile("(?:新村|小区|花园|家园|公寓|[苑庭郡]|[一二三四五]期)$")
_STOP = re.compile("[，。！？；,!?;\n]")
_AROUND = 16

# The commonest surnames (over 90 % of people, Ministry of Public Security, 2020), double ones.
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈"
    "姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
    "温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴"
    "霍涂苗谷曲盛冉骆蓝路游辛靳欧管柴蒙鲍华喻祁蒲房滕屈饶牟艾尤阳穆农司卓吉缪简车项连芦麦褚娄窦戚"
    "岑景党宫费卜冷晏席卫米柏宗瞿桂佟臧闵苟邬边卞姬师仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池麻苑"
    "迟邝"
)
_DOUBLE = "欧阳|司马|上官|诸葛|东方|皇甫|尉迟|公孙|慕容|令狐|司徒|司空|夏侯|端木|南宫|宇文|长孙"
# Signs that are no part of a given name, and words that follow a surname in its place.
_NOT_GIVEN = (
    "的了是在有不没要被就也都很去说让给把与及或但因为所以到买用看请会已再还又从对这那他她它们我你谁"
)
_TITLE = (
    "先生|女士|小姐|师傅|经理|老师|总(?![\u4e00-\u9fff])|主任|店长|客服|阿姨|大爷|工(?![\u4e00-\u9fff])|"
    "某|电话|手机|号码|地址|姓名|联系|部|[领请办]"
)
_GIVEN = rf"[^\W\d_A-Za-z{_NOT_GIVEN}]"
_NAME = re.compile(
    r"(?:(?:联系人|聯繫人|收件人|收货人|投诉人|举报人|具报人|当事人|申请人|报修人|客户姓名|真实姓名|姓名|"
    r"户主|机主|开户名|我叫|我名叫|我的名字[是叫]|我名字叫|本人)(?:姓名|名字)?"
    r"(?:是|为|叫|[:： ]){0,3})"
    rf"((?:{_DOUBLE}|[{_SURNAMES}])(?!{_TITLE}){_GIVEN}{{1,2}})"
    r"(?=[，,。；;、（()\s]|电话|手机|身份证|$)"
)
_NAME_SAID = re.compile("人|姓名|户主|机主|开户名|我叫|名叫|名字")
_HOME_SAID = re.compile("[栋幢座弄组号单#\\-]")
_DASH, _AT_HOME_SIGN = re.compile("[0-9]-[0-9]"), re.compile("[住址收寄送籍家]")
_BLOCK_SIGN = re.compile("[栋幢座弄#]|号[楼院]")


def places_in(shadow: str) -> Iterator[Found]:
    """Yield the part of home addresses that leads to a door."""
    if _HOME_SAID.search(shadow) is None:
        return
    for match in _HOME.finditer(shadow) if _BLOCK_SIGN.search(shadow) else ():
        if "单元" in match[0] or _is_home(shadow, *match.span()):
            yield "address", *match.span()
    for pattern in _patterns(shadow):
        for match in pattern.finditer(shadow):
            group = next((n for n in range(1, pattern.groups + 1) if match[n]), 0)
            if _is_home(shadow, *match.span(group)):
                yield "address", *match.span(group)
    if "号" in shadow and _AT_HOME_SIGN.search(shadow):
        for match in _AT_HOME.finditer(shadow):
            if not _is_business(shadow, *match.span()):
                yield "address", *match.span(1)


def _patterns(shadow: str) -> Iterator[re.Pattern[str]]:
    """Yield the patterns whose signs a text has: signs are found ten times as fast."""
    if "单元" in shadow:
        yield _UNIT_HOME
    if _DASH.search(shadow):
        yield _DASHED
    if "号" in shadow:
        yield _LANE
        yield _STREET_ROOM


def names_in(shadow: str) -> Iterator[Found]:
    """Yield full names that stand where a form or a letter says whose they are."""
    if _NAME_SAID.search(shadow) is None:
        return
    for match in _NAME.finditer(shadow):
        yield "name", *match.span(1)


def _is_home(shadow: str, start: int, end: int) -> bool:
    before, after = _around(shadow, start, end)
    if _LIVES.search(before) or _ESTATE.search(before):
        return True
    if after.startswith(("住户", "业主", "居民", "的业主", "的住户")):
        return True
    return not (_BUSINESS.search(before) or _BUSINESS.search(after))


def _is_business(shadow: str, start: int, end: int) -> bool:
    before, after = _around(shadow, start, end)
    return bool(_BUSINESS.search(before + shadow[start:end]) or _BUSINESS.search(after[:12]))


def _around(shadow: str, start: int, end: int) -> tuple[str, str]:
    """Return the clause before and after a place, no longer than what belongs to it."""
    before = _STOP.split(shadow[max(0, start - _AROUND) : start])[-1]
    after = _STOP.split(shadow[end : end + _AROUND], maxsplit=1)[0]
    return before, after
