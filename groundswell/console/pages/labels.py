"""复核: one mention at a time, one key per answer; and many mentions of one incident at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from groundswell.console import words
from groundswell.console.base import Console, Form, logged_in
from groundswell.console.pages.incidents import find
from groundswell.label_desk import LabelDesk
from groundswell.label_values import Speaker, issue_names, make, read_id, read_value, with_brand
from groundswell.labelling import REASONS
from storage.corrected import YES, is_outdated, is_withdrawn, kept_words
from storage.corrections import Corrected
from storage.records import (
    BrandId,
    Correction,
    Mention,
    MentionId,
    Noise,
    Polarity,
    ReviewItem,
    Verdict,
)

_BULK_SHOWN = 200  # mentions of an incident on one page
BULK_FIELDS = _BULK_SHOWN + 20
# What each button says: the corrections it stands for, and the word for it afterwards.
_ANSWERS: Mapping[str, tuple[str, str, str]] = {
    "negative": ("polarity", "negative", "负面"),
    "not_negative": ("polarity", "not_negative", "非负面"),
    "positive": ("polarity", "positive", "正面"),
    "other_brand": ("brand", "", "不是这个品牌"),
    "noise": ("noise", Noise.ADVERT.value, "广告或噪声"),
}
_FIELDS = {"issue": "issue", "noise_kind": "noise", "about": "brand", "fact": "severity"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The mention that is asked about now."""

    item: ReviewItem | None
    mention: Mention
    verdict: Verdict | None
    brand_id: BrandId
    said: Sequence[Correction]
    reasons: Sequence[str]


def page(console: Console, request: Request) -> Response:
    """Show the next mention of today's queue, or the one the address names."""
    desk = _desk(console)
    waiting = desk.queue()
    asked = _named(console, request) or _next(console, waiting)
    last = _last(console, request.query_params.get("done", ""))
    return console.page(
        request,
        "labels.html",
        asked=asked,
        last=last,
        undone=request.query_params.get("undone", ""),
        progress=desk.progress(logged_in(request).name, len(waiting)),
        **_choices(console),
    )


def incident_page(console: Console, request: Request) -> Response:
    """List the mentions of an incident to correct several of them with one reason."""
    incident = find(console, str(request.path_params["incident"]))
    with console.store.read() as queries:
        mentions = queries.cluster_mentions(incident.cluster_id, _BULK_SHOWN)
    done = request.query_params.get("done", "")
    return console.page(
        request,
        "labels_incident.html",
        incident=incident,
        mentions=mentions,
        done=read_id(done) or 0,
        problem=request.query_params.get("problem", "")[:200],
        **_choices(console),
    )


def answer(console: Console, request: Request, form: Form) -> Response:
    """Take one answer: a button, and what was chosen beside it."""
    desk, visitor = _desk(console), logged_in(request)
    mention_id, brand_id = _mention_id(form.get("mention", "")), form.get("brand", "")
    with console.store.read() as queries:
        if queries.mention(mention_id) is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "没有这条提及")
        verdicts = queries.verdicts(mention_id)
    values = _values(console, form, brand_id)
    values = _no_noise(values, brand_id, verdicts)
    speaker = Speaker(actor=visitor.name, door="console", at=console.clock.now())
    done = desk.say(
        make(
            mention_id,
            BrandId(brand_id),
            with_brand(values, brand_id, verdicts),
            speaker,
            note=form.get("note", ""),
        )
    )
    return _back(form, done=str(done.corrections[-1].correction_no))


def skip(console: Console, request: Request, form: Form) -> Response:
    """Pass the mention over for today."""
    mention_id = _mention_id(form.get("mention", ""))
    _desk(console).skip(mention_id, form.get("brand", ""), logged_in(request).name)
    return RedirectResponse("/labels", HTTPStatus.SEE_OTHER)


def undo(console: Console, request: Request, form: Form) -> Response:
    """Take back the last answer, or the one the form names, and show its mention again."""
    desk, visitor, number = _desk(console), logged_in(request).name, form.get("number", "")
    if number:
        done: Corrected | None = desk.take_back(_number(number), visitor, "console")
    else:
        done = desk.undo(visitor, "console")
    if done is None:
        return RedirectResponse("/labels?undone=nothing", HTTPStatus.SEE_OTHER)
    first = done.corrections[0]
    back = form.get("back", "")
    if back.startswith("/mentions/"):
        return _back(form, done="")
    query = urlencode({"undone": "1", "mention": first.mention_id, "brand": first.brand_id})
    return RedirectResponse(f"/labels?{query}", HTTPStatus.SEE_OTHER)


def bulk(console: Console, request: Request, form: Form) -> Response:
    """Correct several mentions of one incident with one reason."""
    desk, visitor = _desk(console), logged_in(request)
    incident = find(console, form.get("incident", ""))
    chosen = {read_id(name[1:]) for name in form if name[:1] == "m"}
    with console.store.read() as queries:
        members = queries.cluster_mentions(incident.cluster_id, _BULK_SHOWN)
    picked = [pair for pair in members if int(pair[0].mention_id) in chosen]
    note = form.get("note", "").strip()
    problem = "" if picked else "请先勾选要复核的提及"
    if picked and not note:
        problem = "请写理由：以后的人要知道为什么"
    at = f"/labels/incidents/{incident.incident_id}"
    if problem:
        return RedirectResponse(f"{at}?{urlencode({'problem': problem})}", HTTPStatus.SEE_OTHER)
    speaker = Speaker(actor=visitor.name, door="console", at=console.clock.now())
    said: list[Correction] = []
    for mention, verdict in picked:
        values = _no_noise(_values(console, form, verdict.brand_id), verdict.brand_id, [verdict])
        said += make(mention.mention_id, verdict.brand_id, values, speaker, note=note)
    desk.say(said)
    return RedirectResponse(f"{at}?done={len(picked)}", HTTPStatus.SEE_OTHER)


def _desk(console: Console) -> LabelDesk:
    if console.labels is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "这里不能复核")
    return console.labels


def _mention_id(text: str) -> MentionId:
    return MentionId(_number(text))


def _number(text: str) -> int:
    number = read_id(text)
    if number is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "没有这条提及")
    return number


def _values(console: Console, form: Form, brand_id: str) -> dict[str, str]:
    """Return what a form says, by kind; what is chosen beside a button refines it.

    Errors: HTTPException 400 when it says nothing or what no label is.
    """
    if console.project.brand(brand_id) is None:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "这个品牌已经不在配置里，不能再复核")
    values: dict[str, str] = {}
    button = _ANSWERS.get(form.get("answer", ""))
    if button is not None:
        kind, value, _ = button
        values[kind] = value
    try:
        for field, kind in _FIELDS.items():
            if given := form.get(field, ""):
                values[kind] = read_value(console.project, kind, given, brand_id)
    except ValueError as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, f"看不懂这个选择：{error}") from error
    if not values:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "没有选择答案")
    return values


def _no_noise(
    values: Mapping[str, str], brand_id: str, verdicts: Sequence[Verdict]
) -> dict[str, str]:
    """Add that a mention is no noise where a person hears a customer in what was taken for it."""
    taken = any(one.brand_id == brand_id and one.noise for one in verdicts)
    heard = values.get("polarity") in {"negative", "positive"} and "noise" not in values
    return {**values, "noise": ""} if taken and heard else dict(values)


def _back(form: Form, *, done: str) -> Response:
    """Go back to where the answer was given: a page of ours, never another site."""
    back = form.get("back", "")
    if back.startswith(("/mentions/", "/incidents/")) and "\\" not in back:
        mark = "labelled" if back.startswith("/incidents/") else ""
        query = f"?done={mark}" if mark else ""
        return RedirectResponse(f"{back.partition('?')[0]}{query}#labels", HTTPStatus.SEE_OTHER)
    return RedirectResponse(f"/labels?done={done}" if done else "/labels", HTTPStatus.SEE_OTHER)


def _next(console: Console, waiting: Sequence[ReviewItem]) -> Asked | None:
    for item in waiting:
        asked = _asked(console, item.mention_id, item.brand_id, item)
        if asked is not None:
            return asked
    return None


def _named(console: Console, request: Request) -> Asked | None:
    """Return the mention that the address names, as after an undo."""
    asked = request.query_params
    if not asked.get("mention"):
        return None
    return _asked(
        console, _mention_id(asked["mention"]), BrandId(asked.get("brand", "")[:100]), None
    )


def _asked(
    console: Console, mention_id: MentionId, brand_id: BrandId, item: ReviewItem | None
) -> Asked | None:
    if console.project.brand(brand_id) is None:
        return None
    with console.store.read() as queries:
        mention = queries.mention(mention_id)
        if mention is None:
            return None
        verdicts = {one.brand_id: one for one in queries.verdicts(mention_id)}
        said = queries.mention_corrections(mention_id)
    reasons = [REASONS.get(one, one) for one in (item.reasons if item else ())]
    return Asked(
        item=item,
        mention=mention,
        verdict=verdicts.get(brand_id),
        brand_id=brand_id,
        said=[one for one in said if one.brand_id == brand_id],
        reasons=reasons,
    )


def _last(console: Console, number: str) -> tuple[Correction, str] | None:
    """Return the correction that was just made, in words."""
    correction_no = read_id(number)
    if correction_no is None:
        return None
    with console.store.read() as queries:
        one = queries.correction(correction_no)
    return None if one is None else (one, told(one))


def told(one: Correction) -> str:
    """Say a correction in words for people."""
    known = {(kind, value): word for kind, value, word in _ANSWERS.values()} | {
        ("polarity", Polarity.UNSURE.value): "拿不准",
        ("noise", ""): "不是噪声",
    }
    if is_withdrawn(one):
        return "撤销了"
    if (one.kind, one.value) in known:
        return known[one.kind, one.value]
    if one.kind == "severity":
        fact, _, said = one.value.partition("=")
        return f"{words.SEVERITY.get(fact, fact)}：{'有' if said == YES else '没有'}"
    if one.kind == "noise":
        return f"噪声：{words.NOISES[Noise(one.value)]}"
    return f"{'说的是' if one.kind == 'brand' else '类别'} {one.value}"


def spoken(said: Sequence[Correction], mention: Mention) -> list[dict[str, object]]:
    """Return what people said of a mention, newest first, and what of it still counts."""
    kept = {one.correction_no for some in kept_words(said).values() for one in some[-1:]}
    return [
        {
            "one": one,
            "text": told(one),
            "was": told(replace(one, value=one.was)) if one.was else "",
            "stands": one.correction_no in kept and not is_outdated(one, mention.revision),
            "outdated": is_outdated(one, mention.revision),
        }
        for one in reversed(said)
    ]


def _choices(console: Console) -> dict[str, Any]:
    return {
        "brands": {brand.id: brand.name for brand in console.project.brands},
        "classes": issue_names(console.project),
        "told": told,
        "spoken": spoken,
    }
