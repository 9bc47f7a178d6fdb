"""A URL goes in, the one spelling that identity is made of comes out."""

from __future__ import annotations

import re
from hashlib import blake2b
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

from w3lib.url import canonicalize_url

from config.schema import UrlRules

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
    "luicode lfid wfr clicktime ascene devicetype pass_ticket wx_header enterid"
)
_TRACKING = frozenset(_TRACKING_WORDS.split())
_TRACKING_PREFIX = ("utm_", "hmsr_", "share_utm", "mtm_", "pk_", "matomo_", "at_campaign")
_PORTS = {"http": 80, "https": 443}
_ROUTE = re.compile(r"^!?/")  # "#/detail/3" is a route inside a one-page application


def canonical_url(url: str, rules: UrlRules | None = None) -> str:
    """Write a URL in the form that equals itself however it was shared.

    Tracking parameters, user and password, default ports and fragments go (a fragment that is a
    route stays); query parameters are sorted; http becomes https, because no site shows two
    different pages there. It is for comparing, not for fetching. "" when there is no http(s) URL.
    Idempotent.
    """
    rules = rules or UrlRules()
    text = url.strip()
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
        fragment=fragment,
    )
    try:
        return str(canonicalize_url(urlunsplit(bare), keep_fragments=True))
    except (ValueError, UnicodeError):
        return ""


def _kept_query(query: str, drop: tuple[str, ...]) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    kept = [(name, value) for name, value in pairs if not _is_tracking(name, drop)]
    return query if len(kept) == len(pairs) else urlencode(kept)


def _is_tracking(name: str, drop: tuple[str, ...]) -> bool:
    lower = name.lower()
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
