from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from config.schema import UrlRules
from crawlers.canonical import canonical_url, native_id, slot_key, url_hash
from tests.crawlers import url_pairs

SAME = [
    ("http://news.example.cn/a?id=3", "https://news.example.cn/a?id=3"),
    ("https://News.Example.CN/a?id=3", "https://news.example.cn/a?id=3"),
    ("https://news.example.cn:443/a?id=3", "https://news.example.cn/a?id=3"),
    ("http://news.example.cn:80/a", "https://news.example.cn/a"),
    ("https://news.example.cn", "https://news.example.cn/"),
    ("https://news.example.cn./a", "https://news.example.cn/a"),
    ("https://news.example.cn/a?b=2&a=1", "https://news.example.cn/a?a=1&b=2"),
    ("https://news.example.cn/a#comments", "https://news.example.cn/a"),
    ("https://me:secret@news.example.cn/a", "https://news.example.cn/a"),
    ("https://news.example.cn/a?utm_source=x&utm_medium=y", "https://news.example.cn/a"),
    ("https://news.example.cn/a?id=3&spm=a1.b2.c3", "https://news.example.cn/a?id=3"),
    ("https://news.example.cn/a?id=3&share_token=9f", "https://news.example.cn/a?id=3"),
    ("https://news.example.cn/a?isappinstalled=0&from=1", "https://news.example.cn/a?from=1"),
    ("https://news.example.cn/a?xsec_token=AB&xsec_source=pc", "https://news.example.cn/a"),
    ("https://news.example.cn/a?wxshare_count=2&nsukey=zz", "https://news.example.cn/a"),
    ("https://news.example.cn/a?vd_source=1", "https://news.example.cn/a"),
    ("https://news.example.cn/a?HMSR=feed", "https://news.example.cn/a"),
    (
        "https://news.example.cn/搜索?词=退款",
        "https://news.example.cn/%E6%90%9C%E7%B4%A2?%E8%AF%8D=%E9%80%80%E6%AC%BE",
    ),
    (" https://news.example.cn/a ", "https://news.example.cn/a"),
    ("https://例子.中国/a", "https://xn--fsqu00a.xn--fiqs8s/a"),
]
DIFFERENT = [
    ("https://news.example.cn/a?id=3", "https://news.example.cn/a?id=4"),
    ("https://news.example.cn/a?article=1", "https://news.example.cn/a?article=2"),
    ("https://news.example.cn/a", "https://news.example.cn/b"),
    ("https://news.example.cn/a", "https://blog.example.cn/a"),
    ("https://news.example.cn/A", "https://news.example.cn/a"),
    ("https://news.example.cn/#/detail/3", "https://news.example.cn/#/detail/4"),
    ("https://news.example.cn:8443/a", "https://news.example.cn/a"),
    ("https://news.example.cn/a?p=1", "https://news.example.cn/a?p=2"),
    ("https://news.example.cn/a%2Fb", "https://news.example.cn/a/b"),
]
TEXTS = st.one_of(
    st.text(max_size=60),
    st.builds(
        "{}://{}{}{}{}".format,
        st.sampled_from(["http", "https", "HTTP", "ftp"]),
        st.sampled_from(
            ["news.example.cn", "例子.中国", "127.0.0.1:8080", "[::1]", "a..b", "x:99999"]
        ),
        st.text(alphabet="/a%2Fb中 .;~é", max_size=15),
        st.text(alphabet="?&=utm_spm%20中+a#", max_size=20),
        st.sampled_from(["", "#", "#top", "#/route/1", "#!/x", "#中"]),
    ),
)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_spellings_of_one_page_are_equal(one, other):
    assert canonical_url(one) == canonical_url(other) == other


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_two_pages_stay_two(one, other):
    assert canonical_url(one) != canonical_url(other)


def test_the_lists_hold_two_hundred_pairs():
    assert len(url_pairs.SAME) >= 130
    assert len(url_pairs.DIFFERENT) >= 70


@pytest.mark.parametrize(("one", "other"), url_pairs.SAME)
def test_shared_addresses_of_one_page_merge(one, other):
    assert canonical_url(one) == canonical_url(other) != ""


@pytest.mark.parametrize(("one", "other"), url_pairs.DIFFERENT)
def test_addresses_of_two_pages_stay_apart(one, other):
    assert canonical_url(one) != canonical_url(other)


@pytest.mark.parametrize("url", sorted({url for pair in url_pairs.SAME for url in pair}))
def test_known_forms_are_their_own_canonical_form(url):
    once = canonical_url(url)

    assert canonical_url(once) == once


@pytest.mark.parametrize(
    "target", ["javascript:alert(1)", "/b/9.html", "file:///etc/passwd", "", "news.example.cn"]
)
def test_a_link_that_leads_to_no_web_address_stays_as_it_is(target):
    assert canonical_url(f"https://link.zhihu.com/?target={target}").startswith(
        "https://link.zhihu.com/"
    )


@pytest.mark.parametrize(
    "text", ["", "javascript:alert(1)", "mailto:a@b.cn", "/a/b", "http://", "http://[::1", "无"]
)
def test_what_is_no_web_address_has_no_canonical_form(text):
    assert canonical_url(text) == ""


@given(TEXTS)
@example("http://news.example.cn/%2525")
@example("http://news.example.cn/?a=%25E4&utm_id=1")
@example("http://xn--zzzzzz/")
def test_canonical_form_is_its_own_canonical_form(text):
    once = canonical_url(text)

    assert canonical_url(once) == once


def test_parameters_named_by_the_source_are_dropped_and_fragments_kept():
    rules = UrlRules(drop_params=("sid",), keep_fragment=True)

    assert canonical_url("https://a.cn/x?sid=1&id=2#c9", rules) == "https://a.cn/x?id=2#c9"


def test_native_id_is_the_first_group_of_the_pattern():
    rules = UrlRules(id_from=r"re2:/complaint/(\d+)")

    assert native_id("https://a.cn/complaint/17741?x=1", rules) == "17741"
    assert native_id("https://a.cn/other/17741", rules) == ""
    assert native_id("https://a.cn/complaint/17741") == ""


def test_url_hash_is_that_of_the_canonical_form():
    assert url_hash("http://a.cn/x?utm_source=1") == url_hash("https://a.cn/x")
    assert url_hash("https://a.cn/x") != url_hash("https://a.cn/y")


def test_slot_key_is_the_host_and_an_unusual_port():
    assert slot_key("https://A.cn/x") == slot_key("http://a.cn:80/y") == "a.cn"
    assert slot_key("http://127.0.0.1:8080/") == "127.0.0.1:8080"
    assert slot_key("http://[") == ""
