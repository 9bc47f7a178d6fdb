"""Normalised text in, words out, by jieba's dictionary in its Rust implementation."""

from __future__ import annotations

import hashlib
from functools import cache

import rjieba

# Covers dictionary words, words only the hidden Markov model finds, numbers, latin, marks, emoji.
GOLDEN_TEXT = (
    "这台洗衣机用了三天就漏水,客服电话一直打不通,要求退一赔三!"
    "\ue000的车机又黑屏了...比\ue001还差,ota升级到v2.3以后续航掉了15%"
    "4s店说等备件要45天,维修费1280.5元,真是醉了[怒]"
    "云杉智家被曝数据泄露,市监局已立案;官方辟谣:系谣言,没有人受伤。"
    "服务员黑口黑面,难食到爆,唔会再嚟"
)


def segment(text: str) -> list[str]:
    """Cut text into words; joined they give the text back (lone surrogates become "?")."""
    try:
        words: list[str] = rjieba.cut(text)
    except UnicodeEncodeError:
        words = rjieba.cut(text.encode("utf-8", "replace").decode("utf-8"))
    return words


def fingerprint_of(words: list[str]) -> str:
    """Digest a list of words, 16 hex digits."""
    return hashlib.blake2b("\x1f".join(words).encode(), digest_size=8).hexdigest()


@cache
def tokeniser_fingerprint() -> str:
    """Digest of the golden text's words: equal only where the tokeniser cuts as it did in training.

    jieba itself, the reference, gives the same (a test compares them); the two differ only where a
    number or latin word holds several dots or hyphens, which jieba cuts and rjieba keeps whole.
    """
    return fingerprint_of(segment(GOLDEN_TEXT))
