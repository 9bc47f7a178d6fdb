"""What stands around the text of a page: menus, hot lists, comments, scripts, legal lines."""

from __future__ import annotations

import random
from dataclasses import dataclass

NAV = [
    "首页",
    "新闻",
    "国内",
    "国际",
    "财经",
    "科技",
    "汽车",
    "房产",
    "家居",
    "教育",
    "健康",
    "旅游",
    "时尚",
    "娱乐",
    "体育",
    "军事",
    "历史",
    "视频",
    "图片",
    "论坛",
    "博客",
    "专题",
    "滚动",
    "评论",
    "法治",
    "三农",
    "环保",
    "数码",
    "家电",
    "手机",
    "游戏",
    "彩票",
    "星座",
    "母婴",
    "美食",
    "天气",
    "地图",
    "招聘",
    "二手",
    "团购",
    "邮箱",
]
HEADS = (
    """
早高峰三号线信号故障 大批乘客滞留|冷空气周末抵达 最低气温降至零下三度|这位社区医生坚守山村二十一年|新学期校园餐价格公布 家长怎么看
二手房挂牌量创新高 业内：议价空间加大|一图看懂个人所得税专项附加扣除|老城区改造启动 六百户居民将受益|夜市经济升温 摊主月入过万
中超收官战主队三比一逆转|国产大型邮轮完成首次试航|专家提醒：入秋以后谨防诺如病毒|航拍：稻田里的丰收画卷
高校毕业生就业补贴申领指南|男子深夜翻墙入室竟是忘带钥匙|今年冬天流行什么颜色的大衣|十个让厨房变大的收纳办法
手把手教你做糖醋排骨|油价今晚二十四时调整|全国铁路迎来返程高峰|三部门联合整治网络谣言
新款折叠屏手机上手体验|他用三十年时间修复了一座桥|本市新增两条公交线路|医保个人账户家庭共济怎么办
博物馆周一闭馆 市民建议增加夜场|大爷钓上来一条四十斤的鲤鱼|流感疫苗开始预约接种|小区加装电梯 一楼业主同意了
年轻人为什么爱逛菜市场|沪指收涨百分之零点六 半导体领涨|人工智能进课堂 孩子们学到了什么|非遗剪纸走进地铁站
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
HEADS = [head for head in HEADS if head]
SAYINGS = (
    """
支持楼主维权，这种事情就该曝光|我家也是这个牌子，用着挺好的啊|建议直接打投诉电话，别跟他们废话|坐等官方回应|同款遭遇，握手
顶一下，别沉了|买之前一定要看差评，血的教训|怎么证明不是自己弄坏的呢？先把证据固定好|这家公司的客服是我见过最会打太极的|看完默默退了购物车
楼上的是水军吧|律师函警告，哈哈哈哈|法律规定得很清楚，照着做就行|每年都有这样的新闻，每年都没有下文|已经转发给我妈了
写得真好，有理有据|吃瓜群众路过|便宜没好货，贵的也未必|记者辛苦了，希望有后续|这个我懂，问题出在主板上
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
USERS = [
    "山竹不加糖",
    "阿绿_1987",
    "半夜磨咖啡",
    "江边的老周",
    "kiki在努力",
    "麦田里的风",
    "修表匠",
    "豆腐脑咸党",
    "北纬三十度",
    "一只柚子",
    "路人甲",
    "南瓜马车",
]
_JS = (
    (
        "var _hmt=_hmt||[];(function(){var h=document.createElement('script');h.src='//stat.example.cn/h.js?9f2e';"
        "var s=document.getElementsByTagName('script')[0];s.parentNode.insertBefore(h,s);})();"
    ),
    "function setFont(n){document.getElementById('con').style.fontSize=n+'px';}function doPrint(){window.print();}",
    "window.pageConfig={channel:'news',cid:1024,docid:'K8D2',adSwitch:true,tpl:'v3',date:'2019-01-01'};",
    "if(/iPhone|Android/i.test(navigator.userAgent)){/* location.href='https://m.example.cn/'; */}",
)
_CSS = (
    "body{margin:0;font:12px/1.5 'SimSun'}a{color:#004276}.clear{clear:both}.ad{width:300px;height:250px}",
    "*{box-sizing:border-box}.hd{height:60px}.side li{line-height:28px;overflow:hidden}.btn{border-radius:4px}",
    "#nav td{padding:0 6px}.f14{font-size:14px}.lh24{line-height:24px}.red{color:#c00}",
)


@dataclass
class Clutter:
    """Everything a page wears besides its text, the same for the same seed."""

    chance: random.Random

    def heads(self, count: int) -> list[str]:
        return self.chance.sample(HEADS, count)

    def nav(self, count: int = 16, between: str = " | ") -> str:
        return between.join(f'<a href="/{n}/">{name}</a>' for n, name in enumerate(NAV[:count]))

    def items(self, count: int = 8, *, dated: bool = False, cls: str = "") -> str:
        rows = []
        for head in self.heads(count):
            day = f"<span>{self.day()}</span>" if dated else ""
            rows.append(
                f'<li{cls}><a href="/a/{self.chance.randint(10**5, 10**6)}.html" target="_blank">{head}</a>{day}</li>'
            )
        return "<ul>" + "\n".join(rows) + "</ul>"

    def rows(self, count: int = 6) -> str:
        return "".join(
            f'<tr><td>·</td><td><a href="{self.chance.randint(100, 999)}.htm">{head}</a></td><td>({self.day()[5:]})</td></tr>'
            for head in self.heads(count)
        )

    def day(self) -> str:
        return f"2026-{self.chance.randint(1, 10):02d}-{self.chance.randint(1, 28):02d}"

    def comments(self, count: int = 5) -> list[tuple[str, str, str]]:
        return [
            (
                self.chance.choice(USERS),
                f"{self.day()} {self.chance.randint(8, 22)}:{self.chance.randint(10, 59)}",
                saying,
            )
            for saying in self.chance.sample(SAYINGS, count)
        ]

    def comment_list(self, count: int = 5) -> str:
        return "".join(
            f'<div class="cmt-item"><a class="u">{user}</a><span class="t">{at}</span><p>{saying}</p><a>回复</a> <a>赞({self.chance.randint(0, 90)})</a></div>'
            for user, at, saying in self.comments(count)
        )

    def script(self) -> str:
        return f"<script>{self.chance.choice(_JS)}</script>"

    def style(self) -> str:
        return f"<style>{self.chance.choice(_CSS)}</style>"

    def user(self) -> str:
        return self.chance.choice(USERS)

    def share(self) -> str:
        return '<div class="share"><span>分享到：</span><a>微信</a><a>微博</a><a>QQ空间</a><a>复制链接</a></div>'

    def foot(self, name: str = "某某网") -> str:
        return (
            '<div class="footer"><p><a>关于我们</a> | <a>广告服务</a> | <a>联系我们</a> | <a>招聘信息</a> | <a>网站地图</a> | <a>法律声明</a></p>'
            f"<p>{name} 版权所有 未经书面授权不得复制或建立镜像 Copyright © 2003-2026 All Rights Reserved</p>"
            "<p>互联网新闻信息服务许可证 网上传播视听节目许可证 增值电信业务经营许可证</p><p>违法和不良信息举报电话：400-000-0000</p></div>"
        )
