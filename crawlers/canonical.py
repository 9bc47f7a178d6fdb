"""A URL goes in, the one spelling that identity is made of comes out."""

from __future__ import annotations

import re
from hashlib import blake2b
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

from w3lib.url import canonicalize_url

from config.schema import UrlRules
from crawlers.canonical_hosts import at_home, unwrapped

# Parameters that say who shared a link or from where, never which page it is. Only a deny-list:
# lists of what to keep merge pages that differ by ?id= (measured: collect.md 4.5).
_TRACKING_WORDS = (
    "fbclid gclid dclid gbraid wbraid msclkid yclid twclid igshid mc_cid mc_eid mkt_tok _ga _gl "
    "_hsenc _hsmi vero_id oly_enc_id oly_anon_id ref_src ref_url s_cid icid cmpid "
    # shopping and search in Chinese
    "spm scm pvid algo_pvid algo_expid union_lens eqid hmsr hmpl hmcu hmkw hmci bd_vid "
    "qhclickid sogouclickid gdt_vid ttclid "
    # shares out of apps
    "share_token share_from share_source share_medium share_plat share_tag share_session_id "
    "share_times share_iid share_uid sharefrom shareuid sharer_shareid sharer_shareinfo "
    "sharer_sharetime sharer_sharetime_first shareto share_to_nsukey nsukey wxshare_count "
    "isappinstalled xsec_token xsec_source xhsshare appuid apptime weibo_id vd_source "
    "buvid is_story_h5 unique_k from_source from_spmid spm_id_from plat_id timestamp_share "
    "tt_from tt_force_outside utm utm_source utm_medium utm_campaign utm_term utm_content "
    "luicode lfid wfr clicktime ascene devicetype pass_ticket wx_header enterid "
    "author_share xhsshare share_from_user_hidden shareredid share_red_id shareuserid "
    "share_user_id share_sign share_version share_did share_app_id share_channel "
    "sharetype sharetime share_time share_type share_scene fromuid with_sec_did titletype "
    "from_ssr ug_btm ug_medium ug_source use_new_style req_id_new tt_group_id category_new "
    "chksm exportkey refer_flag refer_uid uicode ext_fid launchid hidesharebtn winzoom "
    "tdsourcetag qqfrom qq_aio_chat_type ptlang push_animated tracelog trk _trans_ spma spmb "
    "recommend_flow_id algo_session_id bxsign shareurl tbsocialpopkey un_area ut_sk amp_js_v usqp "
    "amp_gsa utm_psn utm_oi utm_division hybrid_search_source hybrid_search_extra wt_mc"
)
# Short words are parameters of their own elsewhere; these values only say by what way one came.
_WAY_VALUES = (
    "timeline singlemessage groupmessage message_share weixin wechat wechat_friends weixinfriends "
    "weixin_timeline wx_share qqfriend qq_share androidqq iphoneqq qzone weibo_share sinaweibo "
    "app_share h5_share share_h5 sharecard share_card copylink copy_link"
)
_WAYS = frozenset(_WAY_VALUES.split())
_WAY_NAMES = frozenset({"from", "source", "src", "ref", "referer", "referrer", "channel"})
_TRACKING = frozenset(_TRACKING_WORDS.split())
_PREFIXES = "utm_ hmsr_ share_utm mtm_ pk_ matomo_ at_campaign xsec_"
_TRACKING_PREFIX = tuple(_PREFIXES.split())
_PORTS = {"http": 80, "https": 443}
_ROUTE = re.compile(r"^!?/")  # "#/detail/3" is a route inside a one-page application


def canonical_url(url: str, rules: UrlRules | None = None) -> str:
    """Write a URL in the form that equals itself however it was shared.

    Tracking parameters, user and password, default ports and fragments go (a fragment that is a
    route stays); query parameters are sorted; http becomes https, because no site shows two
    different pages there. Addresses that only lead on are replaced by their target, and those of
    known hosts by the one their page is known by. It is for comparing, not for fetching. "" when
    there is no http(s) URL. Idempotent.
    """
    rules = rules or UrlRules()
    text = url.strip()
    for _ in range(3):  # a link out of an application may be wrapped by two of them
        text = unwrapped(text) or text
    # A percent sign escaped twice only shows in the second round; two rounds reach the fixed point
    # for everything seen, more would be a spelling that no server understands.
    for _ in range(4):
        written = _once(text, rules)
        if written == text:
            break
        text = written
    return text


def _once(url: str, rules: UrlRules) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    scheme = parts.scheme.lower()
    host = (parts.hostname or "").rstrip(".")
    if scheme not in _PORTS or not host or re.search(r"[\s\\<>\"{}|^`@%]", host):
        return ""
    default = port in (None, _PORTS[scheme])
    netloc = f"[{host}]" if ":" in host else host
    fragment = parts.fragment if rules.keep_fragment or _ROUTE.match(parts.fragment) else ""
    bare = SplitResult(
        scheme="https" if default else scheme,
        netloc=netloc if default else f"{netloc}:{port}",
        path=parts.path or "/",
        query=_kept_query(parts.query, rules.drop_params),
        fragment=_kept_route(fragment, rules.drop_params),
    )
    if default:
        bare = at_home(bare)
    try:
        return str(canonicalize_url(urlunsplit(bare), keep_fragments=True))
    except (ValueError, UnicodeError):
        return ""


def _kept_query(query: str, drop: tuple[str, ...]) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    kept = [pair for pair in pairs if not _is_tracking(*pair, drop)]
    return query if len(kept) == len(pairs) else urlencode(kept)


def _kept_route(fragment: str, drop: tuple[str, ...]) -> str:
    """Clean the query that a route within an application may have of its own."""
    route, mark, query = fragment.partition("?")
    if not mark or not _ROUTE.match(route):
        return fragment
    kept = _kept_query(query, drop)
    return f"{route}?{kept}" if kept else route


def _is_tracking(name: str, value: str, drop: tuple[str, ...]) -> bool:
    lower = name.lower()
    if lower in _WAY_NAMES and value.lower() in _WAYS:
        return True
    return lower in _TRACKING or lower.startswith(_TRACKING_PREFIX) or name in drop


def native_id(url: str, rules: UrlRules | None = None) -> str:
    """Read the platform's own id out of a URL with `id_from` (re2:PATTERN); "" when none is set."""
    if rules is None or not rules.id_from:
        return ""
    import re2

    found = re2.search(rules.id_from.removeprefix("re2:"), url)
    if found is None:
        return ""
    return str((found.group(1) if found.re.groups else found.group(0)) or "")


def url_hash(url: str, rules: UrlRules | None = None) -> str:
    """Return the key of a page in the frontier: 16 hex characters of its canonical form."""
    return blake2b((canonical_url(url, rules) or url).encode(), digest_size=8).hexdigest()


def slot_key(url: str) -> str:
    """Return what politeness counts by: the host, with its port where it is not the usual one."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    host = (parts.hostname or "").rstrip(".")
    return f"{host}:{port}" if port not in (None, 80, 443) else host
