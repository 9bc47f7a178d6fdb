"""Rules tried on what really happened: run one in the background, and read the last results.

Nothing is changed from here but the list of results; rules stay in their files.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from config.errors import GroundswellError
from config.schema import Project
from groundswell.console.base import Console, Form, logged_in, posted
from groundswell.rehearsal import rehearse
from groundswell.rehearsal_lines import lines, save
from groundswell.rehearsal_trial import with_values
from storage.records import Json

log = logging.getLogger(__name__)

DAYS = (1, 7, 14, 30)
_MOST = 2_000  # characters of values to try: some ten lines
_SHOWN = 10  # results


@dataclass
class Board:
    """The rehearsal under way in this process: one at a time, for it takes a core."""

    turn: threading.Lock = field(default_factory=threading.Lock)
    done: int = 0
    of: int = 0
    title: str = ""
    problem: str = ""

    @property
    def share(self) -> int:
        """How far it is, in per cent."""
        return 100 * self.done // self.of if self.of else 0

    def start(self, console: Console, other: Project, title: str, days: int, by: str) -> bool:
        """Begin in a thread of its own; False while another one is under way."""
        if not self.turn.acquire(blocking=False):
            return False
        self.done, self.of, self.title, self.problem = 0, 0, title, ""
        work = partial(self._run, console, other, title, days, by)
        threading.Thread(target=work, name="rehearsal", daemon=True).start()
        return True

    def _run(self, console: Console, other: Project, title: str, days: int, by: str) -> None:
        now = console.clock.now()
        try:
            found = rehearse(
                console.project,
                console.store,
                other,
                since=now - timedelta(days=days),
                until=now,
                advance=self._advance,
            )
            save(console.store, found, title, by, now)
        except GroundswellError as error:
            self.problem = str(error)
        except Exception:  # the edge of a thread: whoever waits must hear of it
            log.exception("rehearsal failed")
            self.problem = "预演出错，详情见日志 (see the log)"
        finally:
            self.turn.release()

    def _advance(self, done: int, of: int) -> None:
        self.done, self.of = done, of


def routes(console: Console) -> list[BaseRoute]:
    """Return the routes of this page."""
    board = Board()
    return [
        Route("/rules", partial(page, console, board), methods=["GET"]),
        Route("/rules", posted(partial(start, console, board)), methods=["POST"]),
        Route("/rules/{rehearsal}", partial(result_page, console), methods=["GET"]),
    ]


def page(console: Console, board: Board, request: Request) -> Response:
    """Show what is under way, and the last results."""
    return _page(console, board, request)


def start(console: Console, board: Board, request: Request, form: Form) -> Response:
    """Begin a rehearsal of the present rules, or of some changed values."""
    visitor = logged_in(request)
    if not visitor.may_act:
        raise HTTPException(HTTPStatus.FORBIDDEN, "只读账号不能预演")
    values = [one.strip() for one in form.get("values", "")[:_MOST].splitlines() if one.strip()]
    days = form.get("days", "7")
    try:
        other = with_values(console.project, values)
    except GroundswellError as error:
        return _page(console, board, request, problem=str(error), values=values)
    title = "；".join(values) or "现用配置"
    chosen = next((one for one in DAYS if str(one) == days), 7)
    if not board.start(console, other, title, chosen, visitor.name):
        problem = "另一次预演还没有结束，请稍后再试"
        return _page(console, board, request, problem=problem, values=values)
    return RedirectResponse("/rules", HTTPStatus.SEE_OTHER)


def result_page(console: Console, request: Request) -> Response:
    """Show one result whole."""
    name = str(request.path_params["rehearsal"])
    found = next((one for one in _saved(console, 50) if one[0] == name), None)
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "没有这次预演")
    said = list(lines(found[3], console.project))
    return console.page(request, "rules_result.html", result=found, said=said)


def _saved(console: Console, limit: int) -> list[tuple[str, object, str, Json]]:
    with console.store.read() as queries:
        return list(queries.rehearsals(limit))


def _page(
    console: Console,
    board: Board,
    request: Request,
    *,
    problem: str = "",
    values: list[str] | None = None,
) -> Response:
    return console.page(
        request,
        "rules.html",
        board=board,
        at_work=board.turn.locked(),
        results=_saved(console, _SHOWN),
        days=DAYS,
        problem=problem or board.problem,
        values="\n".join(values or ()),
    )
