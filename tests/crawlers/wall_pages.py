"""Pages that came instead of the content, and real pages that only speak of such things.

All written for these tests in the manner of what sites send; names of brands are invented.
"""

from __future__ import annotations

NAV = (
    '<div class="top"><a href="/">首页</a><a href="/login">登录</a><a href="/reg">注册</a>'
    '<a href="/app">下载客户端</a></div>'
)
FOOT = '<div class="foot">© 2026 示例网 京ICP备00000000号 举报电话 010-00000000</div>'
QUICK = (
    '<form class="ls"><input name="u"><input type="password" name="p"><label>自动登录</label>'
    '<a href="/find">找回密码</a><button>登录</button></form>'
)


def page(title: str, body: str, head: str = "") -> str:
    return (
        f'<!doctype html><html lang="zh"><head><meta charset="utf-8"><title>{title}</title>{head}'
        f"</head><body>{body}</body></html>"
    )


def script(size: int, line: str = "var a=function(e){return e&&e.t?e:{d:e}};") -> str:
    return f"<script>{line * (size // len(line) + 1)}</script>"


AGREEMENT = "登录即表示您已阅读并同意《用户服务协议》《隐私政策》《儿童个人信息保护规则》" * 3

WALLS: dict[str, tuple[str, str]] = {
    "请先登录的空页": ("login needed", page("提示信息", "<p>您需要先登录才能继续本操作</p>" + QUICK)),
    "论坛游客提示": (
        "login needed",
        page("提示信息 - 家电之家", NAV + '<div class="alert"><p>抱歉，您尚未登录，没有权限访问该版块</p></div>' + FOOT),
    ),
    "账号密码登录页": (
        "login needed",
        page("登录 - 好物社区", '<h1>密码登录</h1><input placeholder="手机号/邮箱"><input type=password><a>忘记密码</a>'
             f"<button>登录</button><p>{AGREEMENT}</p>"),
    ),
    "短信登录页": (
        "login needed",
        page("手机登录", "<h2>短信登录</h2><input placeholder='请输入手机号'><input placeholder='请输入验证码'>"
             "<button>获取验证码</button><p>未注册的手机号登录后自动创建账号</p>"),
    ),
    "扫码登录弹层": (
        "login needed",
        page("小红薯式社区", "<div class=mask>登录后查看更多内容<br>打开 App 扫码登录</div>" + script(40_000)),
    ),
    "访客系统": (
        "login needed",
        page("Sina Visitor System", "<span id=message></span>"
             "<script>window.location='https://passport.weibo.com/visitor/visitor?a=enter'</script>"),
    ),
    "单页应用的登录壳": (
        "login needed",
        page("统一登录中心", '<div id="app"><div>账号登录</div><div>扫码登录</div><input type="password"></div>'
             + script(120_000)),
    ),
    "会话过期": ("login needed", page("系统提示", "<p>登录状态已过期，请重新登录</p><a href=/login>去登录</a>")),
    "英文登录": (
        "login needed",
        page("Log in", '<h1>Log in to continue</h1><input type="email"><input type="password">'),
    ),
    "繁体登入": ("login needed", page("會員登入", "<p>請先登入會員，登入後即可觀看全文</p><input type='password'>")),
    "接口说未登录": ("login needed", '{"code":-101,"message":"账号未登录","ttl":1}'),
    "接口说凭证失效": ("login needed", '{"ok":0,"errno":"100005","msg":"登录信息已失效，请重新登录"}'),
    "接口转义的未登录": ("login needed", '{"ret":401,"msg":"\\u8bf7\\u767b\\u5f55\\u540e\\u518d\\u8bd5","data":null}'),
    "接口英文未授权": ("login needed", '{"error":{"code":401,"message":"Unauthorized: invalid token"}}'),
    "滑块验证": (
        "captcha",
        page("安全验证", "<div id=nc></div><p>请按住滑块，拖动到最右边</p>" + script(30_000)),
    ),
    "极验点选": (
        "captcha",
        page("访问验证", "<p>为保护网站安全，请完成下方验证后继续访问</p><div class='geetest_holder'>点击按钮进行验证</div>"),
    ),
    "阿里惩罚页": (
        "captcha",
        page("验证码拦截", "<div id='baxia-punish'></div><script>var u='/_____tmd_____/punish?x5secdata=abc'</script>"),
    ),
    "不寻常的网络环境": (
        "captcha",
        page("安全验证 - 某问答", "<h1>系统监测到您的网络环境存在异常</h1><p>为保证您的正常访问，请进行验证</p>"
             "<form action='/account/unhuman'><button>开始验证</button></form>"),
    ),
    "搜索引擎安全验证": ("captcha", page("百度安全验证", "<p>网络不给力，请稍后重试</p><a>返回首页</a>" + script(9000))),
    "五秒盾": (
        "captcha",
        page("Just a moment...", "<noscript>Enable JavaScript and cookies to continue</noscript>"
             "<script>window._cf_chl_opt={cvId:'3'}</script>" + script(24_000)),
    ),
    "云盾脚本挑战": ("captcha", "<html><script>var arg1='3D2F';function setCookie(){document.cookie='acw_sc__v2='}</script></html>"),
    "加速乐脚本挑战": ("captcha", "<script>document.cookie=('_')+('_')+('jsl_clearance_s=1');location.href=location.pathname</script>"),
    "图片验证码": (
        "captcha",
        page("请输入验证码", "<p>您的访问过于频繁，为确认本次访问为正常用户行为，需要您协助验证</p>"
             "<img src=/code.png><p>请输入图中的验证码</p><input name=c>"),
    ),
    "算式验证": ("captcha", page("访问验证", "<p>请输入下图算式的结果以继续访问</p><img src=q.png><input>")),
    "英文人机验证": (
        "captcha",
        page("Security Check", "<h1>Verify you are human</h1><p>Complete the security check to access</p>"),
    ),
    "中间页": ("captcha", page("验证码中间页", "<div id=captcha_container></div>" + script(20_000))),
    "接口要验证码": ("captcha", '{"status":0,"msg":"请完成安全验证","data":{"verify_url":"/v"}}'),
    "安全狗": (
        "blocked",
        page("网站防火墙", "<h3>您的请求带有不合法参数，已被网站管理员设置拦截！</h3><p>可能原因：您提交的内容包含危险的攻击请求</p>"
             "<!-- safedog.cn -->"),
    ),
    "360网站卫士": ("blocked", page("您的访问被拦截", "<p>当前访问疑似黑客攻击，已被网站管理员设置为拦截</p><a href=//webscan.360.cn>反馈</a>")),
    "宝塔防火墙": ("blocked", page("宝塔网站防火墙", "<p>您的请求似乎存在威胁，已被拦截</p>")),
    "云WAF": (
        "blocked",
        page("405", "<p>很抱歉，由于您访问的URL有可能对网站造成安全威胁，您的访问被阻断。</p><p>您的请求ID是：76b20f</p>"
             "<script src=//errors.aliyun.com/e.js></script>"),
    ),
    "边缘节点拒绝": (
        "blocked",
        "<HTML><HEAD><TITLE>Access Denied</TITLE></HEAD><BODY><H1>Access Denied</H1><P>Ref #18.2d",
    ),
    "IP 被限": ("blocked", page("访问受限", "<p>您的 IP 地址 203.0.113.7 因异常访问已被暂时限制，请两小时后再来</p>")),
    "访问太频繁": ("blocked", page("提示", "<p>亲，您的访问太频繁了，先歇一会儿吧</p>")),
    "裸的403": ("blocked", "<html><head><title>403 Forbidden</title></head><body><center><h1>403 Forbidden</h1></center><hr>nginx</body></html>"),
    "接口限流": ("blocked", '{"code":-412,"message":"请求被拦截：访问频繁","data":null}'),
    "英文接口限流": ("blocked", '{"error":"rate limit exceeded, forbidden"}'),
    "维护公告": ("server error", page("系统维护", "<h1>系统维护中</h1><p>为提供更好的服务，系统正在升级，预计今晚恢复</p>")),
    "数据库连不上": ("server error", "<html><body><h1>数据库连接错误</h1></body></html>"),
    "网关超时": ("server error", "<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway nginx</body></html>"),
    "建站商停机页": ("server error", page("站点已暂停", "<p>该网站暂时关闭，请联系管理员续费</p>")),
    "软404": ("gone", page("404 - 示例网", NAV + "<h2>抱歉，您访问的页面不存在</h2><p>5 秒后返回首页</p>" + FOOT)),
    "帖子已删": ("gone", page("提示信息", NAV + "<p>抱歉，指定的主题不存在或已被删除或正在被审核</p>")),
}  # fmt: skip

PARAGRAPH = (
    "澜禾空气炸锅用了三天就不加热，联系客服说要寄回检测，运费自理。登录官网查订单，验证码怎么都收不到，"
    "换了两部手机都一样。拨打热线排队四十分钟，接通后说系统升级，请稍后再试。现在只想退款。"
)
ITEMS = "".join(
    f'<li><a href="/t/{n}">澜禾净水器第{n}次漏水，售后推脱说明书没写清楚</a><i>11-{n % 28 + 1:02d}</i></li>'
    for n in range(30)
)

REAL: dict[str, str] = {
    "投诉长文": page("澜禾空气炸锅不加热", f"<h1>澜禾空气炸锅不加热</h1><p>作者：小满 发布于 2026-11-12</p><p>{PARAGRAPH * 4}</p>"),
    "带快速登录的列表": page("家电维权吧", NAV + QUICK + f"<ul>{ITEMS}</ul>" + FOOT),
    "短帖说登不上": page("登录不上怎么办", NAV + "<h1>登录不上怎么办</h1><p>楼主：阿岚 2026-11-10</p>"
                     "<p>一直提示验证码错误，客服不理</p><p>回复 3</p>"),
    "短帖说滑块": page("滑块验证一直失败", "<h1>滑块验证一直失败</h1><p>发表于 3 小时前</p>"
                  "<p>澜禾商城下单时要拖动滑块，怎么拖都不对</p><p>评论 12 点赞 3</p>"),
    "说验证码的新闻": page("验证码为什么越来越难", "<p>来源：示例日报 记者 周行</p>"
                    f"<p>{'拖动滑块、点选汉字、输入图中的验证码，人机验证正变得越来越难。' * 20}</p>"),
    "安全狗的软件介绍": page("网站防火墙选型：安全狗与云锁", f"<p>作者：运维小站 2026-10-01</p><p>{'安全狗会提示您的请求带有不合法参数。' * 40}</p>"),
    "评论要登录": page("禾沐扫地机评测", f"<p>2026-11-01 来源：评测室</p><p>{PARAGRAPH}</p><div>登录后才能评论</div><p>评论 8</p>"),
    "评论框里有验证码": page("禾沐电饭煲", f"<p>2026-11-01</p><p>{PARAGRAPH * 2}</p><form>验证码<input><img src=c>发表评论</form>"
                     "<script>initGeetest({gt:'x'})</script>"),
    "短评列表": page("用户评价", "".join(f"<p>好评 {n}：充电快，2026-11-{n:02d} 回复</p>" for n in range(1, 8))),
    "公告说维护": page("关于系统维护的通知", "<h1>关于系统维护的通知</h1><p>发布于 2026-11-02 来源：澜禾商城</p>"
                 "<p>系统将于 11月5日 升级，期间暂停服务，请稍后再试。</p><p>上一篇：会员日</p><p>下一篇：以旧换新</p>"),
    "召回通告": page("召回通告", f"<p>2026-09-01 来源：示例监管局</p><p>{'因加热管存在安全隐患，召回部分空气炸锅。' * 15}</p>"),
    "空的搜索结果": page("搜索 澜禾", NAV + "<p>没有找到与“澜禾”相关的结果，换个词试试</p>" + FOOT),
    "单页应用空壳": page("好物社区", '<div id="app"></div>' + script(90_000)),
    "首页导航": page("示例门户", NAV + "".join(f'<a href="/c{n}">栏目名称比较长的频道{n}</a>' for n in range(20)) + FOOT),
    "商品页": page("澜禾净水器 Q3", f"<h1>澜禾净水器 Q3</h1><p>￥1299</p><a>登录查看优惠价</a><p>{'三级过滤，一小时出水。' * 30}</p>"),
    "问答页": page("如何修改登录密码", f"<h1>如何修改登录密码</h1><p>浏览 1203 回复 2</p><p>打开设置，选择安全，输入旧密码。{PARAGRAPH}</p>"),
    "法律文书": page("隐私政策", f"<p>更新于 2026-01-01</p><p>{'我们会在您登录时收集手机号码与验证码。' * 40}</p>"),
    "政务列表": page("消费提示", "<ul>" + "".join(f'<li><a href="/x/{n}">关于小家电类商品抽查结果的通报（第{n}期）</a>2026-0{n % 9 + 1}-01</li>' for n in range(15)) + "</ul>"),
    "论坛帖含楼层": page("Q3 漏水", NAV + QUICK + "".join(f"<div>{n}楼 回复 发表于 2026-11-{n:02d} 我家的也漏</div>" for n in range(1, 15))),
    "短短一帖": page("漏水", "<p>楼主 阿岚 发表于 2026-11-03 10:20</p><p>Q3 又漏水了</p><p>回复</p>"),
    "英文新闻": page("Lanhe recalls air fryers", "<p>2026-11-11 By J. Doe</p><p>" + "Lanhe said users must log in to register for the recall. " * 20 + "</p>"),
    "英文短帖": page("Captcha broken", "<p>2026-11-11 12:00</p><p>The captcha on the Lanhe shop never loads.</p><p>评论 3</p>"),
    "列表里都是登录问题": page("客户端问题反馈", "<ul>" + "".join(f'<li><a href="/f/{n}">登录后提示请求过于频繁，请完成验证</a></li>' for n in range(15)) + "</ul>"),
    "接口的数据": '{"code":0,"message":"success","data":[{"id":1,"title":"登录不上","msg":"请完成验证"}]}',
    "接口空数据": '{"code":0,"msg":"ok","data":{"list":[]}}',
    "接口列表": '[{"title":"澜禾客服电话打不通","url":"https://x.test/1"}]',
    "接口长消息": '{"ret":0,"detail":"' + PARAGRAPH * 3 + '"}',
    "直播预告": page("发布会预告", f"<p>11月20日 直播</p><p>{'点击链接登录后预约，先到先得。' * 40}</p>"),
    "播客页": page("第 12 期：家电维权", f"<p>发布于 2026-10-20</p><p>时长 45 分钟</p><p>{PARAGRAPH}</p>"),
    "下架商品的评论页": page("用户评论", f"<p>该商品已下架</p><p>2026-11-01 评论 回复</p><p>{PARAGRAPH}</p>"),
    "站点地图": '<?xml version="1.0"?><urlset><url><loc>https://x.test/login</loc></url></urlset>',
    "普通一行": "普通的一页",
}  # fmt: skip

# Written after the rules and read by them once before anything was changed: what they first made
# of the second batch (11 of 19 walls named, 5 of 7 real pages left alone) and of the third (7 of
# 13, 4 of 5) is what a page that nobody has thought of may expect.
WALLS |= {
    "第二批 l1": ("login needed",page("欢迎回来","<h1>欢迎回来</h1><input placeholder=手机号><input type=password placeholder=密码><a>忘记密码？</a><button>进入社区</button>")),
    "第二批 l2": ("login needed",page("好物","<div class=modal>该内容仅对已登录用户开放<a href=/signin>立即登录</a></div>")),
    "第二批 l3": ("login needed",page("微信公众平台","<p>请在微信客户端打开链接</p>")),
    "第二批 l4": ("login needed",'{"errcode":40001,"errmsg":"invalid credential, access_token is invalid or not latest"}'),
    "第二批 l5": ("login needed",page("用户未登录", "<p>用户未登录或登录超时</p>")),
    "第二批 c1": ("captcha",page("环境异常","<p>当前环境异常，完成验证后即可继续访问。</p><a>去验证</a>")),
    "第二批 c2": ("captcha",page("验证","<p>依次点击图中的文字</p><div id=captcha></div>"+script(5000))),
    "第二批 c3": ("captcha",page("某站","<p>为了您的账号安全，请拖动滑块完成拼图</p>")),
    "第二批 c4": ("captcha",'{"code":1,"msg":"need captcha"}'),
    "第二批 c5": ("captcha",page("Robot Check","<p>Enter the characters you see below. Sorry, we just need to make sure you're not a robot.</p>")),
    "第二批 b1": ("blocked",page("访问异常","<p>抱歉，由于您的网络存在安全风险，暂时无法访问</p>")),
    "第二批 b2": ("blocked","<h1>Too Many Requests</h1>"),
    "第二批 b3": ("blocked",page("拦截提示","<p>您所提交的请求含有不合法的参数，已被管理员设置拦截</p>")),
    "第二批 b4": ("blocked",page("ERROR: The request could not be satisfied","<h1>403 ERROR</h1><p>Request blocked. Generated by cloudfront</p>")),
    "第二批 b5": ("blocked",'{"code":429,"message":"操作太快了，请稍后再试"}'),
    "第二批 g1": ("gone",page("出错啦","<p>您查看的内容已被发布者删除</p>")),
    "第二批 g2": ("gone",page("Not Found","<h1>Not Found</h1><p>The requested URL was not found on this server.</p>")),
    "第二批 s1": ("server error",page("网站升级改造","<p>网站正在升级改造，敬请期待</p>")),
    "第二批 s2": ("server error","<html><body><h1>Internal Server Error</h1></body></html>"),
    "第三批 a1": ("login needed",page("会员中心","<p>对不起，您还没有登陆或没有浏览权限</p><form>用户名<input>密码<input type='password'></form>")),
    "第三批 a2": ("login needed",page("账号登录_好物网","<p>手机扫码，安全登录</p>"+script(9000))),
    "第三批 a3": ("login needed",'{"success":false,"errorMessage":"NEED_LOGIN","msg":"需要登录"}'),
    "第三批 a4": ("login needed",page("","<div>登录可查看完整内容</div>"+script(60000))),
    "第三批 a5": ("captcha",page("人机校验","<p>请按顺序点击图形</p>")),
    "第三批 a6": ("captcha",page("访问检测","<p>您的浏览器环境需要校验，请稍候，校验通过后将自动跳转</p>"+script(3000))),
    "第三批 a7": ("captcha",page("滑动验证页面","<div id=nocaptcha></div>"+script(3000))),
    "第三批 a8": ("blocked",page("请求遭拒","<p>抱歉，服务器拒绝了您的请求</p>")),
    "第三批 a9": ("blocked",page("访问禁止","<p>您所在的地区或网络被禁止访问本站</p>")),
    "第三批 a10": ("blocked",'{"errno":110,"errmsg":"request too fast"}'),
    "第三批 a11": ("gone",page("帖子不见了","<p>哎呀，帖子被楼主删掉了</p>")),
    "第三批 a12": ("server error",page("503 Service Temporarily Unavailable","<center><h1>503 Service Temporarily Unavailable</h1></center>")),
    "第三批 a13": ("server error",page("公告","<p>本站将于今晚进行服务器维护，期间无法访问，给您带来不便敬请谅解</p>")),
}  # fmt: skip
REAL |= {
    "第二批 r1": page("滑不动的滑块","<h1>滑不动的滑块</h1><p>阿木 2026/11/03 回复 2</p><p>拖动滑块完成拼图时总提示失败，澜禾商城谁管管</p>"),
    "第二批 r2": page("小红薯搬家记", "<p>昨天 12:01 阿岚</p><p>搬家后净水器请师傅重新装，登录App预约，师傅第二天就来了，点赞。</p>"),
    "第二批 r3": page("暂无内容", NAV+"<p>暂无内容</p>"+FOOT),
    "第二批 r4": page("澜禾论坛 - 版块", NAV+QUICK+"<table>"+"".join(f"<tr><td><a href=/t{n}>Q3 漏水第{n}天</a></td><td>11-0{n}</td><td>回复 {n}</td></tr>" for n in range(1,9))+"</table>"),
    "第二批 r5": page("客服回应", "<h1>客服回应</h1><p>澜禾客服：请登录官网提交工单。</p><p>11月8日 18:20 来自 iPhone</p>"),
    "第二批 r6": '{"code":200,"msg":"操作成功","rows":[],"total":0}',
    "第二批 r7": page("App 用户协议","<p>2026年版</p>"+"<p>用户应妥善保管登录密码。</p>"*60),
    "第三批 r1": page("关于登录","<h2>关于登录</h2><p>小林 · 2 小时前 · 赞 3 · 回复 1</p><p>App 提示请先登录，登录后又闪退，这是第几次了</p>"),
    "第三批 r2": page("短帖","<p>阿宁</p><p>2026-10-11 09:33</p><p>禾沐扫地机访问被拒绝，连不上家里路由</p>"),
    "第三批 r3": page("召回","<p>禾沐召回部分扫地机器人，原因为电池存在安全风险。消费者可拨打热线登记。</p><p>来源：监管局</p><p>2026-09-30</p>"),
    "第三批 r4": page("活动", "<p>会员日满减活动，登录后领取优惠券。</p>"),
    "第三批 r5": page("联系我们", NAV+"<p>地址：示例路 1 号</p><p>电话 010-00000000</p>"+FOOT),
}  # fmt: skip
