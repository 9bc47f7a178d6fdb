"""The one place that picks the real parts and hands them to each other."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from config.schema import Project
from groundswell.clock import Clock, RealClock
from groundswell.links import SignedLinks, installation_key
from groundswell.places import data_dir as data_dir  # noqa: PLC0414 - callers find it here
from groundswell.places import database_url as database_url  # noqa: PLC0414 - callers find it here
from groundswell.places import load_project as load_project  # noqa: PLC0414 - callers find it here
from groundswell.places import project_dir as project_dir  # noqa: PLC0414 - callers find it here
from storage import migrate
from storage.records import ShardState
from storage.store import Store

# Most commands only read the database: what judges is imported where it is made.
if TYPE_CHECKING:
    from alerts.delivery import Courier
    from alerts.messages import Links
    from classify.analyst import Analyst
    from classify.clustering import Shard
    from classify.fits import Fits
    from groundswell.desk import Desk
    from groundswell.models import Live
    from groundswell.pipeline import Journey
    from groundswell.stages import Stages


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """All parts of one running program, wired."""

    project: Project
    store: Store
    clock: Clock
    links: SignedLinks
    journey: Journey
    stages: Stages
    desk: Desk
    models: Live


def open_store(url: str) -> Store:
    """Open the database, making or upgrading its tables first."""
    migrate.upgrade(url)
    return Store(url)


@contextmanager
def opened(config: str | None, database: str | None = None) -> Iterator[tuple[Project, Store]]:
    """Load the project and open its database for as long as the block runs."""
    project, directory = load_project(config)
    store = open_store(database_url(project, directory, database))
    try:
        yield project, store
    finally:
        store.close()


def wire(
    project: Project,
    store: Store,
    clock: Clock,
    *,
    woken: Callable[[], None] = lambda: None,
) -> Application:
    """Put the parts of one program together."""
    from groundswell.adapting import Adapting
    from groundswell.clock_guard import ClockGuard
    from groundswell.desk import Desk
    from groundswell.models import Live, ModelWatch
    from groundswell.stages import Stages

    links = make_links(project, store)
    models = Live.of(store)
    fits = make_fits(project, store, clock.now())
    journey = make_journey(project, store, links, models, fits)
    watch = ModelWatch(models, lambda live: make_analyst(project, live, fits))
    adapting = Adapting(store, project, fits)
    # a clock that runs faster counts from a start and cannot jump
    guard = ClockGuard(store, project) if isinstance(clock, RealClock) else None
    return Application(
        project=project,
        store=store,
        clock=clock,
        links=links,
        journey=journey,
        stages=Stages(
            store, journey, clock, restorer(project), watch=watch, adapting=adapting, guard=guard
        ),
        desk=Desk(store=store, project=project, clock=clock, links=links, woken=woken),
        models=models,
    )


def make_links(project: Project, store: Store) -> SignedLinks:
    """Return the maker of signed links for this installation."""
    address = project.settings.console.address
    return SignedLinks(address, installation_key(store, "link_key"))


def make_journey(
    project: Project,
    store: Store,
    links: Links,
    models: Live | None = None,
    fits: Fits | None = None,
) -> Journey:
    """Return the pipeline with its models loaded: those at work on this database."""
    from classify.privacy import mask
    from groundswell.hot import HotLists
    from groundswell.keeping import Keeper
    from groundswell.models import Live
    from groundswell.passes import PassLog
    from groundswell.pipeline import Journey
    from groundswell.responses import Linker

    pseudonym = make_pseudonym(store)
    linker = Linker(project=project, pseudonym=pseudonym)
    return Journey(
        project=project,
        analyst=make_analyst(project, models or Live.of(store), fits),
        keeper=Keeper.of(project, mask=mask, pseudonym=pseudonym, answered=linker.answered),
        linker=linker,
        hot=HotLists(project),
        links=links,
        log=PassLog(project),
    )


def make_pseudonym(store: Store) -> Callable[[str, str], str]:
    """Return what names authors so that nobody outside this installation can tell who they are."""
    author_secret = installation_key(store, "author_key").encode()

    def pseudonym(platform: str, author: str) -> str:
        digest = hmac.new(author_secret, f"{platform}|{author}".encode(), hashlib.sha256)
        return f"用户{digest.hexdigest()[:10]}"

    return pseudonym


def make_fits(project: Project, store: Store, now: datetime) -> Fits:
    """Return what a database knows of how its sources speak and from where brands are alarmed."""
    from classify.fits import Fits
    from groundswell.adapting import take_stock

    fits = Fits(project.settings.unsure_band)
    with store.read() as queries:
        take_stock(fits, project, queries, now)
    return fits


def make_analyst(project: Project, models: Live | None = None, fits: Fits | None = None) -> Analyst:
    """Return brand matching, scoring and issue classes as one; without models the shipped ones.

    Without `fits` no source is adapted to, and all brands have the project's unsure band.
    """
    from classify.analyst import Analyst
    from classify.issues import IssueClassifier
    from classify.matching import BrandMatcher
    from classify.sentiment import Scorer

    scorer = Scorer.load() if models is None else models.scorer
    issues = IssueClassifier.load() if models is None else models.issues
    matcher, settings = BrandMatcher(project.brands), project.settings
    return Analyst(matcher, scorer, issues, settings, fits, own_issues=project.issues)


def restorer(project: Project) -> Callable[[ShardState], Shard]:
    """Return what brings a shard back from what was stored, by the project's and brand's rules."""
    from classify.cluster_rules import Rules
    from classify.clustering import Shard
    from classify.segment import segment
    from classify.vectors import Background

    def restore(state: ShardState) -> Shard:
        language = state.shard_id.partition("/")[2]
        brand = project.brand(state.brand_id)
        rules = Rules.of(project.settings.clusters, brand.clusters if brand else None)
        return Shard.restore(state, rules, Background.load(language), segment=segment)

    return restore


def make_courier(application: Application) -> Courier:
    """Return the courier with one sender per configured channel."""
    from alerts.channels import make_senders
    from alerts.delivery import Courier
    from groundswell.gate import SendGate

    clock = application.clock
    return Courier(
        application.store,
        make_senders(application.project),
        application.project,
        clock,
        # what is paced by real time would be told in summaries where a day takes minutes
        meter=None if isinstance(clock, RealClock) else clock,
        page=application.links.page,
        gate=SendGate(store=application.store, project=application.project, clock=clock),
    )
