"""A made-up page with its truth, as bytes the way its site would have sent them."""

from __future__ import annotations

from dataclasses import dataclass

from tests.eval.extract.stories import Story


@dataclass(frozen=True)
class Page:
    """`published` is "YYYY-MM-DD HH:MM" in Shanghai, "" for a page that says none."""

    body: bytes
    title: str
    text: str
    published: str


def made(
    story: Story, html: str, published: str, charset: str = "utf-8", *, traditional: bool = False
) -> Page:
    title, text = story.title, "\n".join(story.paragraphs)
    if traditional:
        import opencc

        convert = opencc.OpenCC("s2tw").convert
        title, text, html = convert(title), convert(text), convert(html)
    return Page(html.encode(charset, "xmlcharrefreplace"), title, text, published)
