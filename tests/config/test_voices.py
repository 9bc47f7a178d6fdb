"""Who speaks: media tiers by host and author, brands by their accounts."""

from __future__ import annotations

import pytest

from config.load import example_dir, load, summary
from config.media import MediaTable, highest
from config.official import OfficialAccounts, bare_address
from config.schema import Brand, MediaOutlet, OfficialAccount, SourceConfig

OUTLETS = (
    MediaOutlet(name="海灯路日报", tier="provincial", hosts=("Haidenglu.example",)),
    MediaOutlet(name="海灯路财经", tier="trade", hosts=("money.haidenglu.example",)),
    MediaOutlet(name="中枢社", tier="central", hosts=("新闻.example",), authors=("中枢社",)),
    MediaOutlet(name="避雷王", tier="large_account", authors=("微博客:厨房避雷王",)),
)


@pytest.mark.parametrize(
    ("url", "author", "platform", "tier"),
    [
        ("https://haidenglu.example/a/1", "", "新闻", "provincial"),
        ("https://NEWS.haidenglu.example./a/1", "", "新闻", "provincial"),
        ("https://money.haidenglu.example/a/1", "", "新闻", "provincial"),  # the higher wins
        ("https://haidenglu.example.evil.cn/a/1", "", "新闻", ""),
        ("https://nothaidenglu.example/a/1", "", "新闻", ""),
        ("https://新闻.example/1", "", "新闻", "central"),
        (f"https://{'新闻'.encode('idna').decode()}.example/1", "", "新闻", "central"),
        ("https://w.example/1", "@中枢社", "微博客", "central"),
        ("https://w.example/1", "厨房避雷王", "微博客", "large_account"),
        ("https://w.example/1", "厨房避雷王", "论坛", ""),
        ("https://w.example/1", "  ", "微博客", ""),
        ("", "", "", ""),
        ("https://[broken/", "", "", ""),
        ("https://haidenglu.example@evil.cn/a/1", "", "新闻", ""),
        ("https://evil.cn\\@haidenglu.example/a/1", "", "新闻", ""),
        ("https://evil.cn/haidenglu.example", "", "新闻", ""),
    ],
)
def test_an_item_has_the_tier_of_its_host_or_author(url, author, platform, tier):
    assert MediaTable(OUTLETS).tier(url, author, platform) == tier


def test_the_source_s_own_tier_holds_when_it_is_higher():
    table = MediaTable(OUTLETS)

    assert table.tier("https://haidenglu.example/1", "", "", "central") == "central"
    assert table.tier("https://haidenglu.example/1", "", "", "trade") == "provincial"
    assert table.tier("https://elsewhere.example/1", "", "", "trade") == "trade"
    assert table.tier("https://elsewhere.example/1", "", "", "头部") == ""
    assert highest() == ""


BRANDS = (
    Brand(
        id="lanhe",
        name="澜禾",
        official=(
            OfficialAccount(platform="微博客", author="澜禾电器"),
            OfficialAccount(platform="微博客", url="w.example/u/12"),
            OfficialAccount(platform="官网", url="www.lanhe.example/notice/"),
            OfficialAccount(platform="贴吧", author="澜禾客服", url="t.example/home/lanhe"),
        ),
    ),
    Brand(id="hemu", name="禾沐", competitor=True),
)


def _source(**fields):
    values = {"id": "lanhe-weibo", "name": "n", "kind": "feed", "start": "https://w.example/f"}
    return SourceConfig(**(values | fields))


@pytest.mark.parametrize(
    ("platform", "author", "url", "brand"),
    [
        ("微博客", "澜禾电器", "", "lanhe"),
        ("微博客", " @澜禾电器 ", "", "lanhe"),
        ("论坛", "澜禾电器", "", ""),
        ("微博客", "澜禾电器的粉丝", "", ""),
        ("微博客", "", "https://w.example/u/12", "lanhe"),
        ("微博客", "别名", "http://W.example/u/12/p/9?x=1", "lanhe"),
        ("微博客", "", "https://w.example/u/123", ""),
        ("官网", "", "https://lanhe.example/notice/3", "lanhe"),
        ("官网", "", "https://lanhe.example/noticeboard", ""),
        ("", "", "", ""),
        ("贴吧", "澜禾客服", "https://t.example/home/lanhe/p/1", "lanhe"),
        ("贴吧", "澜禾客服", "https://t.example/home/mallory/p/1", ""),  # took the name
        ("贴吧", "澜禾客服", "https://m.t.example/p/1", "lanhe"),  # says nothing of whose it is
        ("贴吧", "澜禾客服", "", "lanhe"),
        ("微博客", "路人", "https://evil.example\\@w.example/u/12", ""),
        ("微博客", "路人", "https://w.example@evil.example/u/12", ""),
    ],
)
def test_a_brand_is_known_by_its_accounts(platform, author, url, brand):
    assert OfficialAccounts(BRANDS).speaker("any", platform, author, url) == brand


def test_everything_of_an_official_source_is_the_brand_s_own():
    mine = OfficialAccounts(BRANDS, [_source(role="official"), _source(id="forum")])
    named = OfficialAccounts(BRANDS, [_source(role="official", brands=["hemu"])])

    assert mine.speaker("lanhe-weibo", "", "谁", "https://x.example/1") == "lanhe"
    assert mine.speaker("forum", "", "谁", "https://x.example/1") == ""
    assert named.speaker("lanhe-weibo", "", "谁", "") == "hemu"


def test_addresses_are_compared_without_scheme_and_www():
    assert bare_address("https://WWW.a.example:443/X?y=1#z") == "a.example/X?y=1#z"
    assert bare_address("a.example:8080/x") == "a.example:8080/x"
    assert bare_address("https://[") == ""


def test_the_summary_names_accounts_media_and_roles():
    project = load(example_dir(), environ={})
    lines = "\n".join(summary(project))
    assert "official accounts 官方账号: 3 — 澜禾@微博客, 澜禾@投诉平台, 澜禾@官网" in lines
    assert "media 媒体表: 4 — large_account 1, provincial 1, regulator 1, trade 1" in lines

    sources = (_source(role="official"), _source(id="resou", role="hot_search"))
    lines = "\n".join(summary(project.model_copy(update={"sources": sources})))
    assert "sources for official 官方账号: 1 — lanhe-weibo" in lines
    assert "sources for hot search 热搜: 1 — resou" in lines
