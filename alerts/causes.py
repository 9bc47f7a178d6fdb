"""Why a source did not answer, in two or four words for people."""

from __future__ import annotations

from storage.records import FetchCause

CAUSES = {
    FetchCause.NONE: "无应答",
    FetchCause.BLOCKED: "被拒绝访问",
    FetchCause.LOGIN: "需要登录",
    FetchCause.CAPTCHA: "出现验证码",
    FetchCause.LAYOUT: "页面改版",
    FetchCause.EMPTY: "没有内容",
    FetchCause.SLOW: "响应过慢",
    FetchCause.GONE: "页面不存在",
    FetchCause.ROBOTS: "站点不允许抓取",
    FetchCause.NETWORK: "本机网络不通",
    FetchCause.TOO_LARGE: "内容过大",
    FetchCause.UNREADABLE: "内容无法读取",
    FetchCause.SERVER: "对方服务器出错",
    FetchCause.REFUSED: "地址不允许访问",
}
