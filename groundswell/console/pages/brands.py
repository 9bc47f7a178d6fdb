"""The brands: what each name brings, where a name stood and did not count, and a rule to try.

A rule that is typed in is read and tried on stored mentions; nothing is saved from here. Brands are
changed in their files, which people review and `groundswell check` holds to their examples.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from config.errors import ConfigError, GroundswellError
from config.load import read_brand
from config.schema import Brand
from groundswell.console.base import Console, logged_in, read_form, same
from groundswell.previewing import DAYS, Preview, Survey, Use, preview, survey

# A mention is read and matched in about 110 µs, by two rules in 125: a second of one core.
MOST = 10_000
MAX_RULE = 64 * 1024  # characters; 5,000 names have about 50,000
_FRESH = timedelta(minutes=5)  # so long a survey is shown again: pages are looked at in a row
_TROUBLES = 50  # problems of a typed rule that are shown; a wrong paste can have thousands
_NAME = "brand.yaml"  # what problems of a typed rule are reported under


@dataclass
class Board:
    """The last survey of the rules at work, and the turn of whoever matches now.

    `patience_s`: how long to wait for one's turn; somebody else's takes a second or two.
    """

    patience_s: float = 20.0
    found: Survey | None = None
    turn: threading.Lock = field(default_factory=threading.Lock)

    def survey(self, console: Console) -> Survey:
        """Return what the rules at work brought; a survey of the last minutes is good enough."""
        now = console.clock.now()
        with self.alone():
            if self.found is None or not _is_fresh(self.found.until, now):
                self.found = survey(console.store, console.project.brands, now, most=MOST)
            return self.found

    def preview(self, console: Console, changed: Brand) -> Preview:
        """Try a changed or new brand."""
        with self.alone():
            return preview(
                console.store, console.project.brands, changed, console.clock.now(), most=MOST
            )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait for one's turn. Errors: GroundswellError when it does not come."""
        if not self.turn.acquire(timeout=self.patience_s):
            raise GroundswellError("另一次预览还没有结束，请稍后再试")
        try:
            yield
        finally:
            self.turn.release()


def list_page(console: Console, board: Board, request: Request) -> Response:
    """Show every brand with what its names brought in the last days."""
    found = board.survey(console)
    brands = [(brand, _use(found, brand.id)) for brand in console.project.brands]
    brands.sort(key=lambda one: one[0].competitor)
    return console.page(request, "brands.html", brands=brands, found=found, days=DAYS)


def brand_page(console: Console, board: Board, request: Request) -> Response:
    """Show one brand: its names, the places that did not count, and its rule to be edited."""
    return _page(console, board, request, _asked(console, request))


async def run(console: Console, board: Board, request: Request) -> Response:
    """Try the rule that was typed in, and show the page again with what came of it."""
    form = await read_form(request, 10 * MAX_RULE)  # percent-encoded Chinese: 9 bytes a character
    if not same(form.get("csrf", ""), logged_in(request).csrf):
        raise HTTPException(HTTPStatus.FORBIDDEN, "页面已过期，请返回刷新后再试")
    rule = form.get("rule", "").replace("\r\n", "\n")
    return await run_in_threadpool(_try, console, board, request, rule)


def _try(console: Console, board: Board, request: Request, rule: str) -> Response:
    brand = _asked(console, request)
    tried: Preview | None = None
    troubles: Sequence[str] = ()
    try:
        tried = board.preview(console, _read(rule))
    except ConfigError as error:
        troubles = error.problems[:_TROUBLES]
    except GroundswellError as error:
        troubles = (str(error),)
    return _page(console, board, request, brand, rule=rule, tried=tried, troubles=troubles)


def _read(rule: str) -> Brand:
    if len(rule) > MAX_RULE:
        raise GroundswellError(f"规则最多 {MAX_RULE // 1024} K 字")
    return read_brand(rule, _NAME)


def written_rule(brand: Brand) -> str:
    """Write a brand as YAML to be edited; what is as by default is left out."""
    import yaml

    said: Mapping[str, Any] = brand.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    text: str = yaml.safe_dump(dict(said), allow_unicode=True, sort_keys=False, width=100)
    return text


def _asked(console: Console, request: Request) -> Brand:
    brand = console.project.brand(str(request.path_params["brand"]))
    if brand is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "没有这个品牌")
    return brand


def _page(
    console: Console,
    board: Board,
    request: Request,
    brand: Brand,
    *,
    rule: str = "",
    tried: Preview | None = None,
    troubles: Sequence[str] = (),
) -> Response:
    found = board.survey(console) if tried is None else None
    return console.page(
        request,
        "brand.html",
        brand=brand,
        use=_use(found, brand.id) if found else None,
        found=found,
        days=DAYS,
        rule=rule or written_rule(brand),
        tried=tried,
        troubles=troubles,
        may_try=logged_in(request).may_act,
    )


def _use(found: Survey, brand_id: str) -> Use:
    return next(use for use in found.brands if use.brand_id == brand_id)


def _is_fresh(at: datetime, now: datetime) -> bool:
    return timedelta(0) <= now - at < _FRESH
