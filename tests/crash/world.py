"""The world that the crash tests watch: a feed and a complaint site whose posts appear in time.

Everyday talk about an invented maker of heaters, then a batch whose plugs scorch.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from tests.site.pages import Item, detail_page, list_page, rss
from tests.site.server import Hit, Reply, Site

ZONE = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 3, 10, 1, 0, tzinfo=UTC)  # a Tuesday, nine in the morning in Shanghai
STEP = timedelta(minutes=40)
STEPS = 4
# What is sent after a hold of two minutes, once or twice, is sent well before the next step.
LOOKS = (timedelta(0), timedelta(minutes=3), timedelta(minutes=6))

# (minutes after START, author, title, text); before START lies what a first poll calls history.
_FEED = (
    (-2900, "阿茶", "暖风机使用一周", "禾笙暖风机N3放在书房一周了，风量够用，夜里开低档几乎听不见。"),
    (-2500, "小满", "双十二到货", "禾笙的加湿器昨天到货，包装很结实，孩子房间用着正合适。"),
    (-2100, "城南读报", "供暖季提前结束", "受气温回升影响，今年本市集中供暖将提前一周结束。"),
    (-1700, "河畔老周", "对比三款暖风机", "对比了三款暖风机，禾笙N3外形最小，遥控器也好用。"),
    (-1300, "豆花", "物流有点慢", "禾笙的快递走了六天才到，催了两次客服，态度倒是不错。"),
    (-900, "一只橘猫", "猫也喜欢", "自从开了禾笙暖风机，我家猫一整天趴在前面不挪窝。"),
    (-400, "晨跑的人", "今天下雨", "下雨没法跑步，在家收拾换季衣服，顺便把电器擦了一遍。"),
    (-200, "木子李", "以旧换新", "商场搞以旧换新，旧取暖器抵了八十块，换了台禾笙N3。"),
    (9, "南墙", "遥控器电池", "禾笙N3的遥控器用的是纽扣电池，超市就能买到，很方便。"),
    (10, "小北", "禾笙N3插头烧焦", "刚开半小时，禾笙暖风机N3的插头就烧焦发黑，插座也熏黑了，一屋子焦糊味。客服只会道歉，要求退货退款。"),
    (14, "月半弯", "插头烧焦差点起火", "禾笙暖风机N3插头烧焦冒烟，插座熏黑，差点起火，吓得我手抖。打客服电话一直推脱，垃圾售后，要求退款。"),
    (17, "阿泽", "暖风机插头冒烟", "昨晚禾笙N3暖风机插头突然冒烟烧焦，满屋焦糊味，插座都熏黑了。质量太差，售后不处理，投诉也没人管。"),
    (21, "葡萄干", "新批次插头烧焦", "禾笙N3新批次的插头烧焦了，插座熏黑一大片，客服说我操作不当，气死人，要求退货退款赔偿损失。"),
    (26, "灰太阳", "插头烧焦没人管", "才用三天，禾笙暖风机N3插头烧焦冒烟，插座熏黑，售后踢皮球，拖着不退款，再也不买这种劣质产品。"),
    (33, "陈皮", "春季养护", "换季收纳小贴士：滤网洗净晾干再装箱，明年拿出来就能用。"),
    (45, "蓝格子", "这个批次插头都烧焦", "禾笙暖风机N3插头烧焦，群里好几家同一批次都烧焦冒烟，插座熏黑，客服不承认，厂家必须召回退款。"),
    (48, "秋水", "插头烧黑太危险", "禾笙N3暖风机插头烧焦，插座熏黑，焦糊味散了一天。太危险了，质量太差，要求退货退款，客服拒绝。"),
    (51, "大熊", "家里插座烧坏", "禾笙暖风机N3插头烧焦冒烟，把家里插座熏黑烧坏，要求赔偿损失，客服一直推脱，投诉三次都没人处理。"),
    (55, "林间", "烧焦退款难", "禾笙暖风机N3插头烧焦，插座熏黑，申请退款三天不处理，售后踢皮球，客服态度恶劣，太让人失望。"),
    (59, "桂圆", "深夜焦糊味", "半夜闻到焦糊味，禾笙暖风机N3插头烧焦冒烟，插座熏黑，孩子就睡旁边，后怕。客服推脱，要求退货退款。"),
    (62, "阿布", "同款插头烧焦", "我家禾笙N3暖风机同一批次，也是插头烧焦冒烟，插座熏黑，存在安全隐患，厂家不召回，客服还推卸责任。"),
    (66, "夏至", "充电宝推荐", "求推荐轻一点的充电宝，出差坐高铁用，预算一百五以内。"),
    (70, "石头", "禾笙该给说法", "禾笙暖风机N3插头接连烧焦冒烟，插座熏黑，厂家到现在不给说法，客服推脱，太不负责，要求召回退款。"),
    (88, "柚子", "插头烧焦粘在插座里", "禾笙暖风机N3插头烧焦粘在熏黑的插座里拔不下来，冒烟差点起火，质量太差，要求退货退款赔偿损失。"),
    (93, "小渔", "周末集市", "周末河边有集市，可以带孩子去看糖画，停车位比较少。"),
    (97, "北辰", "换的第二台又烧焦", "换来的第二台禾笙暖风机N3插头又烧焦冒烟，插座熏黑，质量太差，售后拒绝退款，投诉也没人处理。"),
    (108, "冬青", "提醒大家停用", "提醒大家别用禾笙N3暖风机，插头烧焦冒烟、插座熏黑的已经十几家，客服推脱，厂家拒绝召回，太坑人。"),
    (116, "老街坊", "图书馆延时", "市图书馆从下周起延长开放时间，晚上九点闭馆。"),
)  # fmt: skip
_COMPLAINTS = (
    (-2700, "匿名用户", "发货延迟", "三月初在禾笙旗舰店下单的加湿器，承诺两天发货，到今天还没有动静。"),
    (-1900, "卢女士", "赠品漏发", "购买禾笙暖风机时页面写明送收纳袋，收到后没有，希望补寄。"),
    (-1100, "吴先生", "发票抬头开错", "禾笙开的电子发票抬头错了一个字，申请重开，请尽快处理。"),
    (-600, "何女士", "咨询保修", "想了解禾笙暖风机的保修期从下单还是从签收开始计算。"),
    (-90, "郭先生", "已经解决", "之前反映的安装问题，禾笙售后当天上门处理好了，谢谢。"),
    (12, "胡先生", "N3插头烧焦要求退货", "禾笙暖风机N3使用第二天插头烧焦冒烟，插座熏黑，满屋焦糊味，联系售后一直推脱，要求退货退款。"),
    (19, "丁女士", "插头烧焦存在安全隐患", "禾笙暖风机N3插头烧焦冒烟，插座熏黑，存在严重安全隐患，客服推卸责任，要求厂家召回这个批次并退款。"),
    (28, "冯先生", "新批次插头烧焦", "禾笙N3暖风机新批次插头烧焦，插座熏黑，客服让自己换插座，非常不负责任，要求退货退款赔偿损失。"),
    (44, "邵女士", "插头烧焦烧坏插座", "禾笙暖风机N3插头烧焦冒烟，连带插座熏黑烧坏，要求赔偿损失，售后推脱不处理，投诉无门。"),
    (52, "温先生", "插头烧焦差点引起火灾", "凌晨禾笙暖风机N3插头烧焦冒烟，插座熏黑，差点引起火灾，客服态度恶劣，要求退款并赔偿损失。"),
    (58, "袁女士", "退款被拒", "禾笙暖风机N3插头烧焦，插座熏黑，申请退款被拒绝，客服说人为损坏，推卸责任，完全不合理。"),
    (64, "姜先生", "同一批次六户插头烧焦", "小区团购的禾笙暖风机N3，同一批次六户插头烧焦冒烟，插座熏黑，售后推脱，要求统一召回退款。"),
    (77, "白女士", "换新后插头仍然烧焦", "换新后的禾笙N3暖风机插头仍然烧焦冒烟，插座熏黑，质量太差，售后不处理，要求退货退款赔偿。"),
    (86, "孟先生", "投诉售后不作为", "禾笙暖风机N3插头烧焦、插座熏黑已经反映五天，售后不作为，客服电话无人接听，要求退货退款。"),
    (91, "秦女士", "孩子险些烫伤", "禾笙暖风机N3插头烧焦冒烟，孩子去拔险些烫伤，插座熏黑，客服推脱，请厂家立即召回并退款。"),
    (103, "江先生", "要求检测", "禾笙暖风机N3插头烧焦冒烟，插座熏黑，厂家拒绝检测这个批次，客服一直推脱，要求退货退款。"),
    (112, "宋女士", "烧焦后拒绝上门", "禾笙暖风机N3插头烧焦，插座熏黑，售后拒绝上门取件，让用户自己承担运费，太坑人，要求退款。"),
)  # fmt: skip


class World:
    """A site on loopback that shows what had been posted when its clock was last set, and a hook.

    `GET /now?at=ISO` sets its clock; `messages` is what its webhook was sent.
    """

    def __init__(self) -> None:
        self._at = START
        self._lock = threading.Lock()
        self.site = Site()
        self.feed = _items("/post", _FEED)
        self.complaints = _items("/complaint", _COMPLAINTS)
        self.site.answer("/now", self._set_clock)
        self.site.answer("/feed.xml", self._serve_feed)
        self.site.answer("/complaints", self._serve_list)
        for item in self.complaints:
            self.site.set(item.path, detail_page(item))
        self.site.set("/hook", b"{}", {"Content-Type": "application/json"})

    @property
    def messages(self) -> list[Hit]:
        return [hit for hit in list(self.site.hits) if hit.path == "/hook"]

    def forget_messages(self) -> None:
        self.site.hits.clear()

    def write_project(self, folder: Path) -> Path:
        """Write a project that watches this world with the shipped thresholds."""
        for name, text in _PROJECT.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            named = text.replace("SITE", self.site.url).replace("HOST", self.site.authority)
            path.write_text(named, encoding="utf-8")
        return folder

    def _set_clock(self, hit: Hit) -> Reply:
        with self._lock:
            self._at = datetime.fromisoformat(parse_qs(urlsplit(hit.path).query)["at"][0])
        return Reply(body=b"ok")

    def _serve_feed(self, _hit: Hit) -> Reply:
        body = rss(self.site.url, self._shown(self.feed))
        return Reply(body=body, headers={"Content-Type": "application/rss+xml"})

    def _serve_list(self, _hit: Hit) -> Reply:
        body = list_page(self._shown(self.complaints))
        return Reply(body=body, headers={"Content-Type": "text/html; charset=utf-8"})

    def _shown(self, items: Sequence[Item]) -> list[Item]:
        with self._lock:
            at = self._at
        return [item for item in reversed(items) if item.published and item.published <= at]


def _items(path: str, told: Sequence[tuple[int, str, str, str]]) -> list[Item]:
    return [
        Item(
            path=f"{path}/{number}",
            title=title,
            text=text,
            author=author,
            published=(START + timedelta(minutes=minutes)).astimezone(ZONE),
        )
        for number, (minutes, author, title, text) in enumerate(told, start=1)
    ]


_PROJECT = {
    "project.yaml": """\
settings:
  name: 禾笙舆情
  confirm_addresses: false
  allow_private: ["HOST"]
  clusters: {keep_clusters: 4, window_days: 0.02, single_window_days: 0.02}
fallback: [zhao]
""",
    "channels.yaml": """\
channels:
  - {id: hook, kind: webhook, url: SITE/hook}
""",
    "owners.yaml": """\
owners:
  - {id: lin, name: 林舒, role: service, channels: [hook], digest_at: null}
  - {id: zhao, name: 赵琪, role: lead, channels: [hook], digest_at: null}
  - {id: qian, name: 钱岩, role: executive, channels: [hook], digest_at: null}
""",
    "routes.yaml": """\
routes:
  - {id: hesheng, brand: hesheng, owner: lin, also: [zhao], chain: [zhao, qian]}
""",
    "brands/hesheng.yaml": """\
id: hesheng
name: 禾笙
aliases: [禾笙]
products:
  - {id: n3, name: 暖风机 N3, aliases: [禾笙N3, 暖风机N3]}
""",
    "sources/posts.yaml": """\
id: posts
name: 邻里圈
kind: feed
platform: 社区
start: SITE/feed.xml
schedule: {every: 30m, min: 30m, max: 30m}
fetch: {rate: 1/0.02s}
expect: {required: [url, text, published]}
""",
    "sources/complaints.yaml": """\
id: complaints
name: 直诉台
kind: list_detail
platform: 投诉平台
start: SITE/complaints
list:
  item: css:ul.list > li
  fields:
    url: css:a::attr(href)
    title: css:a::text
    published: {sel: css:.time::text, tz: Asia/Shanghai}
detail:
  fields:
    title: css:h1::text
    text: css:.content
    author: {sel: css:.author::text, re: 作者：(.+)}
    published: {sel: css:.date::text, tz: Asia/Shanghai}
schedule: {every: 30m, min: 30m, max: 30m}
fetch: {rate: 1/0.02s}
expect: {required: [url, title, text, published]}
""",
}
