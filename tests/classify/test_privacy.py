from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classify.privacy import find, is_id_card, mask, passes_luhn
from classify.privacy_signs import shadow_of

# Every number is made up; identity numbers and card numbers carry right check digits.
MASKED = [
    ("打我电话13812345678谢谢", "打我电话138****5678谢谢"),
    ("电话：138 1234 5678", "电话：138****5678"),
    ("138-1234-5678找我", "138****5678找我"),
    ("＋８６ １３８１２３４５６７８", "＋８６ １３８****５６７８"),
    ("+8613812345678", "+86138****5678"),
    ("手机号是19912345678，微信同号", "手机号是199****5678，微信同号"),
    ("身份证11010519491231002X", "身份证110105********002X"),
    ("发到zhang.san@mail.example.com", "发到z***@mail.example.com"),
    ("邮箱a@b.cn。", "邮箱a***@b.cn。"),
    ("车牌沪A12345停在那", "车牌沪A***45停在那"),
    ("粤B·D12345充电", "粤B·***45充电"),
    ("京AD12345", "京A***45"),
    ("座机021-65432100", "座机021-****2100"),
    ("(010)84561234", "(010)****1234"),
]
KEPT = [
    "订单号202603101234567890",
    "单号SF1381234567890",
    "运单YT13812345678",
    "价格13800元，优惠后12345元",
    "2026-03-10 12:30",
    "2026.03.10到货",
    "型号MI13812345678",
    "版本1.38.12345678",
    "距离138123456789米",
    "12345678",
    "工单编号 88012345678",
    "一共3.1381234567万",
    "iPhone15 Pro 256G",
    "今年是京剧ABCDEF大赛",
    "苏E还是苏州的",
    "@小明 你看看",
    "440524188001010014",
    "110105194912310021",
    "电话12315和12345都打过",
    "400-820-8820",
    "95588",
    "2024年1月1日0点到2024年12月31日",
    "尺寸1380x720x5678",
]


@pytest.mark.parametrize(("text", "masked"), MASKED)
def test_personal_numbers_are_masked(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize("text", KEPT)
def test_look_alikes_stay(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize("spelling", ["{0}", "{0:.4}{1}", "{2} {3} {4} {5}", "{2}-{3}-{4}-{5}"])
def test_a_bank_card_is_known_by_its_last_digit(spelling: str) -> None:
    figures = next(
        f"622202020011223{digit}" for digit in range(10) if passes_luhn(f"622202020011223{digit}")
    )
    parts = [figures[start : start + 4] for start in range(0, 16, 4)]
    text = f"卡号{spelling.format(figures, figures[4:], *parts)}没到账"

    assert mask(text) == f"卡号6222****{figures[-4:]}没到账"


def test_a_card_number_with_a_wrong_last_digit_stays() -> None:
    wrong = [f"622202020011223{digit}" for digit in range(10)]

    assert sum(mask(number) == number for number in wrong) == 9


def test_several_in_one_text_are_all_masked() -> None:
    text = "王某13812345678，李某15987654321，邮箱x1@y.com"

    assert mask(text) == "王某138****5678，李某159****4321，邮箱x***@y.com"


def test_check_digits() -> None:
    assert is_id_card("11010519491231002X")
    assert not is_id_card("110105194912310021")
    assert not is_id_card("11010519491331002X")
    assert passes_luhn("4111111111111111")
    assert not passes_luhn("4111111111111112")


@given(st.text(st.characters(), max_size=120))
def test_masking_answers_for_any_text_and_twice_is_once(text: str) -> None:
    assert mask(mask(text)) == mask(text)


# Spelled figures, separators, places of people and of shops, all run together.
_PIECES = st.sampled_from(
    [
        *("13812345678", "一三八", "幺", "①", "1️⃣", "8", " ", "-", ".", "，", "@", "(at)", "qq.com"),
        *(
            "电话",
            "微信",
            "QQ",
            "加V",
            "身份证",
            "护照",
            "E12345678",
            "沪A",
            "12345",
            "栋",
            "单元",
            "室",
        ),
        *(
            "住在",
            "路",
            "号",
            "联系人：",
            "王",
            "小明",
            "0571-",
            "+86",
            "\u200b",
            "*",
            "****",
            "\ud800",
            "400",
        ),
    ]
)


@given(st.lists(_PIECES, max_size=40).map("".join))
def test_pieces_in_any_order_are_masked_once_and_for_all(text: str) -> None:
    masked = mask(text)

    assert mask(masked) == masked
    spans = find(text)
    assert all(one.end <= two.start for one, two in itertools.pairwise(spans))
    assert all(0 <= span.start < span.end <= len(text) for span in spans)


@given(st.text(st.characters(), max_size=60))
def test_the_shadow_keeps_every_place(text: str) -> None:
    assert len(shadow_of(text)) == len(text)


@pytest.mark.parametrize(
    "piece",
    [
        "1",
        "一",
        "1 ",
        "13812345678,",
        "a.",
        "a@",
        "a@a.",
        "微信",
        "栋1单元",
        "1号",
        "住在",
        "号",
        "(",
        "-",
    ],
)
def test_a_megabyte_is_masked(piece: str) -> None:
    text = (piece * 1_000_000)[:1_000_000]

    assert len(mask(text)) <= 2 * len(text)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("我的电话一三八一二三四五六七八", "我的电话一三八****五六七八"),
        ("微信号lizi_2020", "微信号li***"),
        ("家住锦绣花园3栋2单元501室", "家住锦绣花园*栋*单元***室"),
        ("联系人：周晓彤", "联系人：周**"),
        ("護照E12345678", "護照E****678"),
        ("聯繫人：陳曉彤，住翠湖花園3棟2單元501室", "聯繫人：陳**，住翠湖花園*棟*單元***室"),
        ("車牌粵B·D12345", "車牌粵B·***45"),
        ("https://a.example/13812345678.html", "https://a.example/13812345678.html"),
        ("澜禾体验店在人民路88号", "澜禾体验店在人民路88号"),
    ],
)
def test_what_stays_lets_a_person_recognise_their_own(text: str, masked: str) -> None:
    assert mask(text) == masked
