"""The words of walls: what they say, how they are titled, which marks they bear.

Written for these rules from what such pages are known to show; they are judged by crawlers.walls.
"""

from __future__ import annotations

import re

from storage.records import FetchCause


def _any(*patterns: str) -> re.Pattern[str]:
    """Make one pattern that finds any of these, upper or lower case, `$` at each line's end."""
    return re.compile("|".join(patterns), re.IGNORECASE | re.MULTILINE)


# Marks in the source text of well-known walls, with what they ask for. They stand on no real page,
# whatever it is about; SDKs of captchas that real pages load for their forms are not among them.
MARKS: tuple[tuple[FetchCause, re.Pattern[str]], ...] = (
    (
        FetchCause.CAPTCHA,
        re.compile(
            r"_____tmd_____|x5secdata|/punish\?|cf_chl_opt|cdn-cgi/challenge-platform/h/|"
            r"cf-challenge|captcha-delivery\.com|px-captcha|_Incapsula_Resource|"
            r"account/unhuman|wappass\.baidu\.com/static/captcha|verifycenter/captcha|"
            r"web-login/captcha|website-login/captcha|acw_sc__v2|__jsl_clearance|jsl_clearance_s|"
            r"security_verify_data|yunsuo_session_verify|gokuProps|awsWafCookieDomainList",
            re.IGNORECASE,
        ),
    ),
    (
        FetchCause.LOGIN,
        re.compile(r"sina visitor system|passport\.weibo\.c\w+/visitor/", re.IGNORECASE),
    ),
    (
        FetchCause.BLOCKED,
        re.compile(
            r"webscan\.360\.cn|safedog\.cn|safedogsite|btwaf|宝塔网站防火墙|yundun\.console|"
            r"errors\.aliyun\.com|waf\.tencent|errors\.edgesuite\.net|waf_block",
            re.IGNORECASE,
        ),
    ),
)
# What a wall says to its reader. A post about captchas tells of them; a wall asks for something.
ASKS: tuple[tuple[FetchCause, re.Pattern[str]], ...] = (
    (
        FetchCause.CAPTCHA,
        _any(
            r"(?:请|需要?)先?您?(?:完成|进行|通过|点击|拖动|按住|滑动|向右)[^。！\n]{0,16}"
            r"(?:验证|滑块|拼图|校验|認證|驗證)",
            r"(?:拖动|按住|滑动|拖動)(?:左侧|下方|左边)?滑块",
            r"点击(?:按钮)?(?:完成|进行|开始)验证",
            r"依次点击",
            r"请?输入(?:图中|图片中?|下图|右侧|以下)(?:的|所示)*(?:验证码|字符|文字|数字|算式)",
            r"确认您?不是机器人",
            r"证明您?(?:不是机器人|是真人)",
            r"人机(?:身份)?验证",
            r"(?:安全|访问|身份|行为)(?:验证|驗證)(?:码|中心|页面)?$",
            r"完成(?:安全)?(?:验证|校验)(?:后|即可|以)",
            r"(?:去|开始|点我)验证$",
            r"环境异常",
            r"(?:验证|校验)通过后",
            r"enter the characters you see",
            r"百度安全验证",
            r"verify(?:ing)? (?:that )?you are (?:a )?human",
            r"are you a robot",
            r"i'?m not a robot",
            r"checking (?:if the site connection is secure|your browser)",
            r"just a moment",
            r"complete the (?:security check|captcha)",
            r"unusual traffic",
            r"请开启 ?javascript并?刷新",
        ),
    ),
    (
        FetchCause.BLOCKED,
        _any(
            r"访问(?:过于|太过?)频繁",
            r"请求(?:过于|太过?)频繁",
            r"操作(?:过于|太过?)频繁",
            r"访问(?:被|已被)?(?:拒绝|阻断|拦截|禁止|限制)",
            r"(?:请求|访问)[^。\n]{0,16}(?:已?被|遭)[^。\n]{0,10}(?:拦截|阻断|阻止|屏蔽)",
            r"您的 ?IP[^。\n]{0,24}(?:封|禁|限制|异常|黑名单)",
            r"(?:检测|监测|侦测)到[^。\n]{0,16}(?:异常|可疑|恶意)",
            r"(?:暂时|现在|目前)?无法(?:继续)?访问(?:本|该)?(?:网?站|页面)?[。！]?$",
            r"(?:操作|访问|点击)(?:得)?(?:太|过)快",
            r"(?:安全|网络)风险",
            r"拒绝了?您的(?:请求|访问)",
            r"疑似(?:黑客)?攻击",
            r"不合法参数",
            r"安全威胁",
            r"access denied",
            r"request blocked",
            r"you have been blocked",
            r"403 forbidden",
            r"too many requests",
            r"attention required",
        ),
    ),
    (
        FetchCause.LOGIN,
        _any(
            r"(?:请|您?需要?|必须)先?(?:您)?(?:登[录陆]|登入)",
            r"登[录陆]后(?:才[能可]|即?可|方可|查看|继续|访问|可见|浏览)",
            r"仅(?:对|限)?已?登[录陆](?:的)?(?:用户|会员)",
            r"(?:立即|去)登[录陆]",
            r"登[录陆]可(?:查看|浏览|见|看)",
            r"已登[录陆](?:的)?(?:用户|会员)(?:开放|可见)",
            r"请(?:在|使用)[^。\n]{0,8}(?:客户端|微信|app)[^。\n]{0,6}打开",
            r"(?:尚未|还未|未|还没有?)登[录陆]",
            r"登[录陆](?:状态)?(?:已)?(?:过期|失效|超时)",
            r"扫码登[录陆]",
            r"扫描二维码登[录陆]",
            r"(?:密码|短信|手机号?|账号|验证码|快捷)登[录陆]",
            r"請先登入",
            r"登入後",
            r"忘记密码",
            r"游客(?:无法|不能|没有权限)",
            r"没有权限(?:访问|查看|浏览)",
            r"(?:please|must be) (?:log|sign)(?:ged)? ?in",
            r"(?:log|sign) ?in to (?:continue|view)",
            r"session (?:has )?expired",
        ),
    ),
)
CLOSED = _any(
    r"正在(?:维护|升级|改版|建设)",
    r"升级改造",
    r"进行[^。\n]{0,8}(?:维护|升级)",
    r"(?:维护|升级|割接)(?:中|期间|公告|通知)",
    r"暂停(?:服务|访问)",
    r"暂时关闭",
    r"关站",
    r"稍后再(?:试|来|访问)",
    r"under maintenance",
    r"service (?:temporarily )?unavailable",
    r"bad gateway",
    r"gateway time-?out",
    r"internal server error",
    r"数据库连接(?:错误|失败)",
    r"网站(?:已)?(?:到期|过期|停止)",
)
GONE = _any(
    r"(?:页面|网页|内容|帖子|文章|主题|信息|话题|链接|商品)[^。\n]{0,10}"
    r"(?:不存在|找不到|已被?(?:删除|下架|移除|失效)|走丢)",
    r"(?:找不到|没有找到)(?:您?要?访问的)?(?:页面|网页|内容)",
    r"404 ?(?:not found|错误|页面)",
    r"page not found",
    r"指定的主题不存在",
    r"was not found on this server",
    r"^not found$",
    r"被[^。\n]{0,6}(?:删除|下架|删掉)",
)
# Names in a title that no article bears.
LOGIN_TITLE = _any(
    r"^(?:用户|会员|會員|统一|账号|帐号|安全|欢迎|手机|立即)?(?:登[录陆]|登入)"
    r"(?:页面?|中心|注册|/注册|系统|界面)?$",
    r"^(?:log|sign) ?in$",
)
HUMAN_TITLE = _any(
    r"^(?:安全|访问|身份|人机|滑动|行为|滑块|百度安全)?(?:验证|校验|驗證)"
    r"(?:码|中心|页面|中间页|码中间页|码拦截)?$",
    r"^just a moment\.*$",
    r"^captcha$",
    r"^security check$",
)
OTHER_TITLE = _any(
    r"^attention required!?$",
    r"^access denied$",
    r"^(?:403 )?forbidden$",
    r"^(?:访问|请求)(?:被|已被)?(?:拒绝|阻断|拦截|禁止|异常|受限)$",
    r"^网站防火墙$",
    r"^安全拦截$",
    r"^提示(?:信息)?$",
    r"^系统提示$",
    r"^出错了$",
    r"^错误提示$",
)
# What stands around posts and articles and on no wall, by kind: when, who answers, who wrote it and
# where it is from, how often it was read, what is next to it.
CONTENT: tuple[re.Pattern[str], ...] = (
    _any(
        r"\d{4}[-/年.]\d{1,2}[-/月.]\d{1,2}",
        r"\d{1,2}月\d{1,2}日",
        r"(?<![\d.-])[01]\d-[0-3]\d(?![\d-])",
        r"\d+ ?(?:分钟|小时|天)前",
        r"(?:昨天|今天|前天) ?\d",
    ),
    _any("楼主", "沙发", "回复", "评论", r"^\d+ ?[楼#]", "回答"),
    _any("发表于", "发布于", "发帖", "来源[:：]", "作者[:：]", "编辑[:：]", "记者", "来自"),
    _any(r"(?:阅读|浏览|查看)[:：\s(（]?\d", "点赞", "收藏", "转发", "分享到"),
    _any("上一篇", "下一篇", "相关(?:阅读|推荐|文章)", "责任编辑", "上一页", "下一页"),
)
JSON_ASKS: tuple[tuple[FetchCause, re.Pattern[str]], ...] = (
    (FetchCause.CAPTCHA, _any("验证码", "人机", "滑块", "captcha", "安全验证")),
    (
        FetchCause.LOGIN,
        _any(
            r"登[录陆入]",
            r"unauthori[sz]ed",
            r"log ?in",
            r"sign ?in",
            r"token",
            r"cookie",
            r"session",
            r"凭证",
            r"鉴权",
            r"身份",
        ),
    ),
    (
        FetchCause.BLOCKED,
        _any(
            "太快|too fast",
            r"频繁",
            r"限流",
            r"风控",
            r"拒绝",
            r"禁止",
            r"非法请求",
            r"黑名单",
            r"签名",
            r"rate ?limit",
            r"forbidden",
            r"denied",
            r"too many",
            r"blocked",
        ),
    ),
)
