"""The platforms that a Chinese brand thinks of: their names, and what to do when one is not seen.

The advice is ours and goes by what platforms publish: where nothing is published, it says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

HOT = "热搜"


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """A platform. `names` are other spellings; hosts count with their subdomains.

    `core`: every brand is asked about it; the others matter to some trades only.
    """

    name: str
    group: str
    advice: str
    names: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    core: bool = True


_EXPORT = "请同事导出后导入（Excel、CSV 都行），或向数据商购买、让它推送进来。"

PLATFORMS: tuple[Platform, ...] = (
    Platform(
        name="微博",
        group="社交",
        names=("新浪微博", "weibo", "sina weibo", "微博超话"),
        hosts=("weibo.com", "weibo.cn"),
        advice="自建 RSSHub 可以收关键词、超话和指定账号；要全量，向微博购买商业数据。",
    ),
    Platform(
        name=HOT,
        group="社交",
        names=("热搜榜", "热榜", "微博热搜", "知乎热榜", "b站热搜", "百度热搜", "抖音热榜"),
        hosts=("top.baidu.com", "s.weibo.com"),
        advice="自建 RSSHub 可以收微博、知乎、B站、百度的热榜。没读到的榜记作“未知”，不算没上榜。",
    ),
    Platform(
        name="小红书",
        group="社交",
        names=("xiaohongshu", "red", "xhs", "小红薯"),
        hosts=("xiaohongshu.com", "xhslink.com"),
        advice=f"搜索笔记和看评论要登录，没有公开的订阅。{_EXPORT}",
    ),
    Platform(
        name="知乎",
        group="社交",
        names=("zhihu",),
        hosts=("zhihu.com",),
        advice="自建 RSSHub 可以盯住问题和账号；按品牌搜索没有公开的订阅，其余请导入。",
    ),
    Platform(
        name="贴吧",
        group="社交",
        names=("百度贴吧", "tieba"),
        hosts=("tieba.baidu.com",),
        advice="自建 RSSHub 可以按品牌搜索，也可以盯住一个吧。",
    ),
    Platform(
        name="公众号",
        group="社交",
        names=("微信公众号", "微信", "wechat", "weixin"),
        hosts=("mp.weixin.qq.com", "weixin.sogou.com"),
        advice=f"微信没有公开的搜索和订阅，只能一个号一个号地收。{_EXPORT}",
    ),
    Platform(
        name="今日头条",
        group="社交",
        names=("头条", "头条号", "toutiao", "微头条"),
        hosts=("toutiao.com",),
        advice="自建 RSSHub 可以盯住指定账号；按品牌搜索没有公开的订阅，其余请导入。",
    ),
    Platform(
        name="抖音",
        group="视频",
        names=("douyin", "抖音视频"),
        hosts=("douyin.com", "iesdouyin.com"),
        advice=f"搜索和评论要登录；自建 RSSHub 只能盯住账号和话题的标题。{_EXPORT}",
    ),
    Platform(
        name="快手",
        group="视频",
        names=("kuaishou",),
        hosts=("kuaishou.com", "gifshow.com"),
        advice=f"搜索和评论要登录；自建 RSSHub 只能盯住指定账号。{_EXPORT}",
    ),
    Platform(
        name="B站",
        group="视频",
        names=("哔哩哔哩", "bilibili", "bili"),
        hosts=("bilibili.com", "b23.tv"),
        advice="自建 RSSHub 可以按品牌搜索视频，也可以收一条视频的评论；视频里说的话看不到。",
    ),
    Platform(
        name="视频号",
        group="视频",
        names=("微信视频号", "channels"),
        hosts=("channels.weixin.qq.com",),
        advice=f"只在微信里，没有任何公开的入口。{_EXPORT}看到的也可以手工添加。",
    ),
    Platform(
        name="黑猫投诉",
        group="投诉",
        names=("黑猫", "heimao", "新浪黑猫"),
        hosts=("tousu.sina.com.cn",),
        advice="没有订阅源。请用企业账号在商家后台导出投诉，再导入。",
    ),
    Platform(
        name="12315",
        group="投诉",
        names=("全国12315平台", "12315平台", "消费者投诉"),
        hosts=("12315.cn",),
        advice="投诉内容只给当事企业看。请用企业账号导出工单，再导入。",
    ),
    Platform(
        name="京东",
        group="电商",
        names=("jd", "京东商城", "京东评价"),
        hosts=("jd.com",),
        advice="评价要登录才看得全。请在商家后台导出评价，再导入；自营请找采销同事导出。",
    ),
    Platform(
        name="天猫",
        group="电商",
        names=("tmall", "天猫评价"),
        hosts=("tmall.com", "tmall.hk"),
        advice="评价要登录才看得全。请在商家后台导出评价，再导入。",
    ),
    Platform(
        name="淘宝",
        group="电商",
        names=("taobao", "淘宝评价"),
        hosts=("taobao.com",),
        advice="评价要登录才看得全。请在商家后台导出评价，再导入。",
        core=False,
    ),
    Platform(
        name="拼多多",
        group="电商",
        names=("pdd", "pinduoduo"),
        hosts=("pinduoduo.com", "yangkeduo.com"),
        advice="评价要登录才看得全。请在商家后台导出评价，再导入。",
        core=False,
    ),
    Platform(
        name="闲鱼",
        group="电商",
        names=("xianyu", "goofish"),
        hosts=("goofish.com", "2.taobao.com"),
        advice="没有公开的入口。二手里的故障描述看到了可以手工添加。",
        core=False,
    ),
    Platform(
        name="酷安",
        group="应用与数码",
        names=("coolapk",),
        hosts=("coolapk.com",),
        advice="自建 RSSHub 可以收话题和热门内容；手机、数码、应用类品牌要看。",
    ),
    Platform(
        name="应用商店",
        group="应用与数码",
        names=("app store", "苹果应用商店", "应用市场", "华为应用市场"),
        hosts=("itunes.apple.com", "apps.apple.com"),
        advice="苹果公布了评论订阅，填应用编号就能收；安卓各商店请在开发者后台导出，再导入。",
    ),
    Platform(
        name="新闻",
        group="新闻与监管",
        names=("媒体", "新闻网站", "news", "资讯"),
        advice="公开的订阅源很多，先加中新网、必应新闻搜索和行业媒体。",
    ),
    Platform(
        name="监管与召回",
        group="新闻与监管",
        names=("市场监管", "市场监管总局", "缺陷产品召回", "海外监管", "召回", "监管"),
        hosts=("samr.gov.cn", "dpac.org.cn"),
        advice="市场监管总局和缺陷产品召回中心的公告是公开的，加进来，被点名当天就知道。",
    ),
    Platform(
        name="懂车帝",
        group="行业",
        names=("dongchedi",),
        hosts=("dongchedi.com",),
        advice=f"没有公开的订阅。{_EXPORT}",
        core=False,
    ),
    Platform(
        name="汽车之家",
        group="行业",
        names=("autohome",),
        hosts=("autohome.com.cn",),
        advice=f"没有公开的订阅。{_EXPORT}",
        core=False,
    ),
)


def platform_of(name: str, addresses: Iterable[str] = ()) -> Platform | None:
    """Return the platform that a name means, else the one that an address lies on, else None."""
    wanted = _folded(name)
    for platform in PLATFORMS:
        if wanted in {_folded(one) for one in (platform.name, *platform.names)}:
            return platform
    for address in addresses:
        host = _host(address)
        # 2.taobao.com is another platform than taobao.com: the longer host decides
        found = [
            (len(known), platform)
            for platform in PLATFORMS
            for known in platform.hosts
            if host == known or host.endswith("." + known)
        ]
        if found:
            return max(found, key=lambda pair: pair[0])[1]
    return None


def _folded(name: str) -> str:
    return "".join(name.split()).casefold()


def _host(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").lower()
    except ValueError:
        return ""
