"""The crawler's frontier on the store: what a poll found and what it means, in one transaction."""

from __future__ import annotations

from datetime import datetime

from crawlers.frontier import DetailResult, PollResult
from groundswell.clock import Clock
from groundswell.pipeline import Journey
from storage.records import DetailLink, SourceId, SourceState
from storage.store import Store

_LEASE_S = 120.0  # a detail fetch ends within its 30 s timeout, redirects and retries included
