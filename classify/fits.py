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
        self._sources: dict[SourceId, Adaptation] = {}

    def of_source(self, source_id: SourceId) -> Adaptation | None:
        """Return the adaptation of a source, None where nothing is known of it.

        Right after a change of model it is the one that was made for the weights before: how a
        source speaks has not changed, and it is estimated anew within minutes.
        """
        return self._sources.get(source_id)

    def band(self, brand_id: BrandId) -> tuple[float, float]:
        """Return from which probabilities a mention of a brand is unsure, and negative."""
        return self._bands.get(brand_id, self._band)

    def put(self, source_id: SourceId, adaptation: Adaptation) -> None:
        """Put an adaptation to work."""
        self._sources[source_id] = adaptation

    def put_bands(self, bands: Mapping[BrandId, tuple[float, float]]) -> None:
        """Put the bands of brands to work, in place of those before."""
        self._bands = dict(bands)
