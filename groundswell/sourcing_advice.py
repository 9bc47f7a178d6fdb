"""What an engineer reads of a source, in one wording for the terminal and the console.

What to do about each cause, and what became of changed rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from config.keywords import expanded
from config.schema import Brand, SourceConfig
from crawlers import changeover
from storage.records import FetchCause, SourceState

ADVICE: Mapping[FetchCause, str] = {
    FetchCause.BLOCKED: (
        "网站拒绝了访问。先调低 fetch.rate、拉长 schedule.every；仍被拒就换官方接口、订阅源或"
        "人工导入，不要绕过封锁。"
    ),
    FetchCause.LOGIN: (
        "页面要登录后才看得到。若有合法账号，把 Cookie 放进环境变量并写到 secrets；过期了就换新的，"
        "并在 secrets_expire 写上到期日。"
    ),
    FetchCause.CAPTCHA: (
        "网站要求人机验证。程序不绕过验证：先停一天、降低频率，再不行就改用官方接口或人工导入。"
    ),
    FetchCause.LAYOUT: (
        "页面结构变了。先 source record ID --bad 把坏页存成测试，再改选择器，"
        "source test ID 通过后用 source try --diff 对比新旧配置。"
    ),
    FetchCause.EMPTY: (
        "页面是好的，但没有内容。在浏览器里打开地址看看：真没有新帖就把 expect.min_items 设为 0，"
        "栏目搬家了就换 start。"
    ),
    FetchCause.SLOW: (
        "对方太慢。稍后再试；长期如此就放宽 fetch.timeout（最多 30 秒为宜），或换一个更轻的入口。"
    ),
    FetchCause.GONE: (
        "地址已不存在。在网站上找到新地址，改 start；不再提供就停用（enabled: false）。"
    ),
    FetchCause.ROBOTS: (
        "robots.txt 不允许抓取这个路径。换允许的入口（订阅源、站点地图）；"
        "取得书面许可后才可以写 fetch.robots: ignore。"
    ),
    FetchCause.NETWORK: "是本机的网络问题，与信源无关。检查 DNS、代理和防火墙；恢复后会自动继续。",
    FetchCause.TOO_LARGE: (
        "内容超过 fetch.max_bytes。换条目更少的入口；确有需要再调大上限（默认 10MiB）。"
    ),
    FetchCause.UNREADABLE: (
        "返回的内容读不懂。核对地址是不是订阅源或接口本身，而不是它的说明页；"
        "编码不对就写明 fetch.charset。"
    ),
    FetchCause.SERVER: (
        "对方服务器出错。一般会自行恢复，程序会拉长间隔继续试；持续一天以上再核对地址。"
    ),
    FetchCause.REFUSED: (
        "地址指向内网或不允许的端口，被安全规则拒绝。确需访问自建服务时，"
        "把 主机:端口 写进 project.yaml 的 settings.allow_private。"
    ),
}
UNMET = (
    "页面能读，但不符合 expect 的约定。核对列出的字段：选择器要不要加备用项，"
    "还是 expect.required 写得太严。"
)
FALLBACK = "首选选择器没有命中，靠备用项取到：页面可能正在改版，趁早更新选择器。"


def advice_for(cause: str, *, unmet: bool = False) -> str:
    """Return what to do about a cause by its name, "" when nothing needs doing."""
    if cause:
        return ADVICE.get(FetchCause(cause), "")
    return UNMET if unmet else ""


def change_of(state: SourceState, source: SourceConfig, brands: Sequence[Brand]) -> str:
    """Say what became of changed rules: on trial, sent back, or "" when nothing was changed."""
    why = changeover.reverted(state)
    if why:
        return f"改过的配置已退回，仍用原来的规则：{why}"
    if not changeover.trying(state, expanded(source, brands)):
        return ""
    rounds = len(state.trial.get("rounds", ()))
    return f"改过的配置正在试跑，已比较 {rounds}/{changeover.ROUNDS} 次，期间仍用原来的规则"
