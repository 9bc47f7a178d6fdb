"""The local site of the demo: feeds, lists, pages and an inbox, all as of the given clock.

It serves what is published by `clock.now()` and nothing later, over real HTTP on loopback.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Self

import uvicorn
from jinja2 import Environment, PackageLoader
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from config.errors import GroundswellError
from groundswell.clock import Clock
from groundswell.demo import feeds
from groundswell.demo.receiver import Receiver
from groundswell.demo.story import ZONE, Item, Place, Story

NAMES: Mapping[Place, str] = {
    "news": "早潮新闻",
    "micro": "街坊微博客",
    "reviews": "好物评价",
    "tousu": "鲸投诉",
    "bbs": "听雨论坛",
}
# Together with two forum and three complaint pages of 20 a first poll sees 200 old entries.
_FEED_SIZE: Mapping[Place, int] = {"news": 30, "micro": 40, "reviews": 30}
_PAGE_SIZE = 20
_START_TIMEOUT_S = 10.0
_SECURITY = {
    "Content-Security-Policy": "default-src 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class DemoSite:
    """Serve a story until stopped; use as a context manager, or call start and stop.

    `people` maps a chat bot's key to the name above its column in the inbox; any other key is
    shown under itself. `inbox` is the file that keeps what the bots received, so that a telling
    that goes on shows it again. Port 0 takes a free one.
    """

    def __init__(
        self,
        story: Story,
        clock: Clock,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        people: Mapping[str, str] | None = None,
        inbox: Path | None = None,
    ) -> None:
        self.story = story
        self.clock = clock
        self.host = host
        self.port = port
        self.receiver = Receiver(clock, people or {}, inbox)
        self._pages = Environment(loader=PackageLoader("groundswell.demo"), autoescape=True)
        self.app = self._application()
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def authority(self) -> str:
        """`host:port`, as `settings.allow_private` wants it."""
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The address without a trailing slash."""
        return f"http://{self.authority}"

    def start(self) -> Self:
        """Listen and serve from a thread of its own.

        Errors: GroundswellError when the port is taken or the server does not come up.
        """
        listener = self._listen()
        config = uvicorn.Config(
            self.app, log_level="warning", access_log=False, ws="none", loop="asyncio"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name="demo-site", daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise GroundswellError(f"starting the demo site on {self.authority}: it did not")
            time.sleep(0.01)
        return self

    def stop(self) -> None:
        """Stop serving; safe to call twice."""
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join()
        self._server = self._thread = None

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    def _listen(self) -> socket.socket:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self.host, self.port))
        except OSError as error:
            listener.close()
            raise GroundswellError(
                f"starting the demo site on {self.authority}: {error.strerror}; choose another port"
            ) from error
        self.port = listener.getsockname()[1]
        return listener

    # --- pages --------------------------------------------------------------------------------

    def _application(self) -> Starlette:
        vendor = files("groundswell.console").joinpath("static/vendor")
        static = files("groundswell.demo").joinpath("static")
        return Starlette(
            routes=[
                Route("/", self._home),
                Route("/robots.txt", self._robots),
                Route("/favicon.ico", self._favicon),
                Route("/news/feed.xml", self._feed),
                Route("/micro/feed.atom", self._feed),
                Route("/reviews/feed.xml", self._feed),
                Route("/tousu/list", self._complaints),
                Route("/bbs/forum.php", self._threads),
                Route("/bbs/thread-{number:int}.html", self._thread_page),
                Route("/tousu/{number:int}", self._item_page),
                Route("/{place}/{number:int}.html", self._item_page),
                Mount("/static", StaticFiles(directory=str(static))),
                Mount("/vendor", StaticFiles(directory=str(vendor))),
                *self.receiver.routes(self._page),
            ],
        )

    def _page(self, template: str, charset: str = "utf-8", **values: object) -> Response:
        text = self._pages.get_template(template).render(charset=charset, names=NAMES, **values)
        return HTMLResponse(
            text.encode(charset, "xmlcharrefreplace"),
            headers={**_SECURITY, "Content-Type": f"text/html; charset={charset}"},
        )

    def _home(self, request: Request) -> Response:
        del request
        now = self.clock.now()
        items = self.story.items(now)
        latest = {place: [i for i in items if i.place == place][:-6:-1] for place in NAMES}
        return self._page("home.html", latest=latest, now=now.astimezone(ZONE), link=feeds.path)

    def _robots(self, request: Request) -> Response:
        del request
        return PlainTextResponse("User-agent: *\nDisallow: /inbox\n")

    def _favicon(self, request: Request) -> Response:
        del request
        icon = files("groundswell.demo").joinpath("static/icon.svg").read_bytes()
        return Response(icon, media_type="image/svg+xml")

    def _feed(self, request: Request) -> Response:
        place: Place = request.url.path.split("/")[1]  # type: ignore[assignment] # by the routes
        items = self.story.items(self.clock.now(), place)[: -_FEED_SIZE[place] - 1 : -1]
        make = feeds.atom if place == "micro" else feeds.rss
        body = make(NAMES[place], str(request.base_url).rstrip("/"), items)
        etag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
        headers = {"ETag": etag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        kind = "application/atom+xml" if place == "micro" else "application/rss+xml"
        return Response(body, media_type=f"{kind}; charset=utf-8", headers=headers)

    def _complaints(self, request: Request) -> Response:
        number, items, more = self._slice(request, "tousu")
        return self._page("tousu_list.html", items=items, number=number, more=more, zone=ZONE)

    def _threads(self, request: Request) -> Response:
        number, items, more = self._slice(request, "bbs")
        now = self.clock.now()
        rows = [(item, chinese_date(item.published_at, now)) for item in items]
        return self._page("bbs_list.html", charset="gbk", rows=rows, number=number, more=more)

    def _thread_page(self, request: Request) -> Response:
        item = self._find("bbs", request.path_params["number"])
        posted = chinese_date(item.published_at, self.clock.now())
        return self._page("bbs_thread.html", charset="gbk", item=item, posted=posted)

    def _item_page(self, request: Request) -> Response:
        place = request.path_params.get("place", "tousu")
        item = self._find(place, request.path_params["number"])
        return self._page("item.html", item=item, at=item.published_at.astimezone(ZONE))

    def _slice(self, request: Request, place: Place) -> tuple[int, list[Item], bool]:
        """Return the asked page of a list, newest first, and whether an older one follows."""
        asked = request.query_params.get("p", "1")
        number = max(1, int(asked)) if asked.isascii() and asked.isdigit() else 1
        items = self.story.items(self.clock.now(), place)[::-1]
        first = (number - 1) * _PAGE_SIZE
        return number, items[first : first + _PAGE_SIZE], len(items) > first + _PAGE_SIZE

    def _find(self, place: str, number: int) -> Item:
        for item in self.story.items(self.clock.now()):
            if item.place == place and item.number == number:
                return item
        raise HTTPException(404, "没有这一页")


def chinese_date(at: datetime, now: datetime) -> str:
    """Write an instant as old forums do: 今天 09:12, 昨天 21:40, else the date and the time."""
    local, today = at.astimezone(ZONE), now.astimezone(ZONE).date()
    days = (today - local.date()).days
    word = {0: "今天", 1: "昨天", 2: "前天"}.get(days)
    return f"{word} {local:%H:%M}" if word else f"{local:%Y-%m-%d %H:%M}"
