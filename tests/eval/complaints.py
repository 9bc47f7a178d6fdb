"""A generated stream of complaints with a known answer: firms × places × troubles × wordings.

Every name is made up. The label is the issue: one trouble of one firm.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

FIRMS = (
    "青禾物业", "蓝桥健身", "卓远驾校", "云栖公寓", "晨曦幼教", "鼎力家装", "金穗超市", "远航旅行社",
    "佳源地产", "顺捷快运", "明镜眼科", "小满奶茶", "星河影城", "百草堂药房", "万通停车",
)  # fmt: skip
PLACES = (
    "翠湖花园", "滨江路", "东门广场", "柳林街", "北辰新区", "枫桥镇", "白塔岭", "学府家园",
    "南湖里", "石桥铺", "香樟园", "凤凰台",
)  # fmt: skip
WORDINGS = (
    ("{firm}关门跑路，{place}会员的年卡余额没退", "{place}{firm}停业，预付的卡费退不回来",
     "在{place}{firm}办的年卡，店一夜搬空，余额找谁要", "{firm}卷走{place}几百人的预付卡余额"),
    ("{place}{firm}凌晨切割钢筋，噪音吵得睡不着", "{firm}在{place}通宵施工，噪音扰民",
     "{place}居民被{firm}半夜的施工噪音折磨半个月", "管管{firm}，{place}深夜还在施工，噪音太大"),
    ("{place}屋顶漏水，{firm}一年没修好", "{firm}交付的{place}房子墙面渗水发霉",
     "一下雨{place}家里就漏水，{firm}推来推去", "{firm}答应的{place}屋顶防水迟迟不做，还在漏水"),
    ("在{place}{firm}买的糕点吃出活虫", "{firm}{place}门店的糕点里有虫子",
     "{place}{firm}糕点有虫，孩子吃了呕吐", "吃到虫子！{place}{firm}的糕点谁还敢买"),
    ("{place}电梯又困人，{firm}说等配件", "{firm}管的{place}电梯三天两头坏",
     "{place}电梯突然下坠，{firm}没有年检报告", "老人被困{place}电梯四十分钟，{firm}才来人"),
    ("{firm}在{place}乱收停车费，不给发票", "{place}停车一小时收三十，{firm}凭什么",
     "{firm}把{place}停车费涨了一倍，没有公示", "{place}停车收费没有依据，{firm}不解释"),
    ("{firm}{place}班的教练吃拿卡要", "{place}学车，{firm}教练索要红包才给约考",
     "{firm}教练在{place}训练场骂学员，还要红包", "投诉{firm}教练，{place}学员不送礼不排考试"),
    ("{place}暖气不到十六度，{firm}不上门测温", "{firm}供暖不达标，{place}老人穿棉袄睡觉",
     "{place}供暖温度低，{firm}只说管网压力不够", "交了供暖费，{place}暖气冰凉，{firm}没人管"),
    ("{firm}从{place}寄的钢琴摔坏，只赔两百", "{place}发货的钢琴被{firm}摔断琴腿",
     "{firm}把钢琴运到{place}时琴腿断了，拒绝赔偿", "钢琴运到{place}就坏，{firm}说没有保价"),
    ("{firm}在{place}倾倒淤泥，鱼塘全翻白", "{place}鱼塘死鱼一片，{firm}偷排淤泥",
     "{firm}夜里往{place}河沟倒淤泥，臭气熏天", "{place}村民鱼塘被{firm}排的淤泥毁了"),
    ("{place}考点泄题，{firm}让学员先背答案", "{firm}组织{place}考生作弊，考前发答案",
     "{place}考试前一晚{firm}群里就有答案", "举报{firm}在{place}卖考试答案"),
    ("{firm}{place}幼儿班老师打孩子耳光", "{place}孩子说老师打耳光，{firm}拒绝给看监控",
     "{firm}老师在{place}体罚幼儿，脸上有手印", "要求查看监控：{place}{firm}老师打人"),
    ("{place}路灯三个月不亮，{firm}不来修", "{firm}负责的{place}路灯全瞎，夜里摔伤老人",
     "{place}整条路的路灯坏了，{firm}说没有预算", "盼{firm}修好{place}路灯，晚上漆黑一片"),
    ("{firm}体检漏诊，{place}患者三个月后查出肿瘤", "在{place}{firm}体检正常，转头查出肿瘤",
     "{place}体检报告把肿瘤写成结节，{firm}不认错", "{firm}体检走过场，{place}肿瘤患者要说法"),
    ("{firm}拖欠{place}工人半年工资", "{place}四十名农民工讨薪，{firm}老板躲着不见",
     "{firm}{place}工地的工资从去年拖到现在", "过年了，{firm}还不发{place}民工工资"),
    ("{place}公交改线，{firm}把学校那站取消了", "{firm}取消{place}公交站，学生走两公里",
     "{place}公交一小时一班，{firm}说乘客少", "建议{firm}恢复{place}学校门口的公交站"),
    ("{firm}在{place}砍了三十棵老樟树", "{place}老樟树一夜被{firm}锯光",
     "{firm}没有手续就砍{place}的樟树", "{place}樟树被砍，{firm}说是修剪"),
    ("{firm}泄露{place}业主电话，骚扰不断", "刚在{place}登记就接到贷款骚扰，{firm}卖信息",
     "{place}业主名单被{firm}员工卖掉", "{firm}把{place}住户的电话卖给装修公司，天天骚扰"),
    ("{place}自来水发黄有铁锈味，{firm}说能喝", "{firm}供的水在{place}黄得像茶",
     "{place}水质发黄三个星期，{firm}没有通知", "烧开一层锈，{place}的自来水{firm}管不管"),
    ("{firm}旅行团在{place}强制购物，不买不让上车", "{place}导游辱骂游客，{firm}强迫买玉镯",
     "跟{firm}去{place}，三天进了八个购物店", "{firm}导游在{place}锁车门逼人买玉镯"),
)  # fmt: skip
DETAILS = (
    "打过热线，答复说会核实", "十几户人家联名反映过", "有照片和录音可以提供", "上周去找负责人没见到",
    "合同上写得清清楚楚", "家里有八十岁的老人", "孩子为这事哭了好几回", "社区说不归他们管",
    "前后跑了{n}趟", "已经花掉{n}元", "从{n}号等到今天", "跟经理吵了一架", "当时的宣传单还留着",
    "邻居家也是一样的情况", "对方让我随便去告", "找过媒体，没有登出来", "微信被他们拉黑了",
    "再不处理就去市里上访", "晚上九点以后最严重", "以前换过两任经理", "工单号尾数是{n}",
    "附近{n}户都受影响", "只想要一个明确的答复", "请给一个整改的期限",
)  # fmt: skip
START = datetime(2026, 1, 5, tzinfo=UTC)


def complaints(seed: int, issues: int = 60, largest: int = 14) -> list[dict[str, str]]:
    """Return rows (text, title, label, entity, time) in time order; most issues have one or two.

    One firm's trouble is one issue wherever it happens, as it is for whoever works for the firm.
    """
    chance = random.Random(seed)
    every = [(firm, trouble) for firm in FIRMS[:6] for trouble in range(len(WORDINGS))]
    rows = []
    for firm, trouble in chance.sample(every, issues):
        begins = START + timedelta(days=chance.uniform(0, 60))
        size = min(largest, int(chance.paretovariate(0.8)))
        for _ in range(size):
            place = chance.choice(PLACES)
            title = chance.choice(WORDINGS[trouble]).format(firm=firm, place=place)
            told = [one.format(n=chance.randint(2, 990)) for one in chance.sample(DETAILS, 2)]
            at = begins + timedelta(hours=chance.expovariate(1 / 48))
            rows.append(
                {
                    "title": title,
                    "text": "，".join((title, *told)) + "。",
                    "label": f"{firm}/{trouble}",
                    "entity": firm,
                    "time": at.isoformat(),
                }
            )
    return sorted(rows, key=lambda row: row["time"])
