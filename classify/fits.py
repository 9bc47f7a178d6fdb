"""What fits the scores to sources and the polarities to brands: looked up at every judgement.

Filled and kept up to date by who knows the database; empty, scores are as the model gives them.
"""

from __future__ import annotations

from collections.abc import Mapping

from classify.adapting import Adaptation
from storage.records import BrandId, SourceId


class Fits:
    """Adaptations by source, bands by brand. `band`: (unsure, negative) where a brand has none.

    One thread at a time.
    """

    def __init__(self, band: tuple[float, float]) -> None:
        self._band = band
        self._bands: Mapping[BrandId, tuple[float, float]] = {}
        self._sources: dict[SourceId, tuple[str, Adaptation]] = {}

    def of_source(self, source_id: SourceId, model: str) -> Adaptation | None:
        """Return the adaptation of a source if it was made for this model's scores."""
        made_for, adaptation = self._sources.get(source_id, ("", None))
        return adaptation if made_for == model else None

    def band(self, brand_id: BrandId) -> tuple[float, float]:
        """Return from which probabilities a mention of a brand is unsure, and negative."""
        return self._bands.get(brand_id, self._band)

    def put(self, source_id: SourceId, model: str, adaptation: Adaptation) -> None:
        """Put an adaptation to work."""
        self._sources[source_id] = (model, adaptation)

    def put_bands(self, bands: Mapping[BrandId, tuple[float, float]]) -> None:
        """Put the bands of brands to work, in place of those before."""
        self._bands = dict(bands)
