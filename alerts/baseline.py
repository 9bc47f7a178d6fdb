"""What is usual: from hourly counts to an expected count and its spread for any window.

In: hourly counts of distinct authors of one cluster and of its brand, on one grid of whole UTC
hours. Out: `Baseline`, which answers mean and variance for windows ending anywhere on the grid.
Every array may carry leading axes (streams); the product uses none, the simulation hundreds.
Method: alerting.md 3.2, after Noufaily et al. 2013 (lagged, over-dispersed predictive bounds).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

WEEK = 168
WINDOWS = (1, 3, 6, 24, 72)  # hours
LAGS = (24, 24, 24, 48, 168)  # the baseline of a window ends so many hours before the window does
RAMP_LAG = 168  # a slow ramp must not lift its own limit (getsentry/sentry#121141)
BASELINE_HOURS = 28 * 24
FIT_HOURS = 14 * 24  # spread is fitted on these
FIT_LAG = 48  # and on nothing that a window of the last 48 h holds: a burst must not excuse itself
RAMP_STEP = 6
RAMP_STEPS = 14 * 24 // RAMP_STEP  # the CUSUM is run again from zero over 14 days
HISTORY_HOURS = RAMP_STEPS * RAMP_STEP + RAMP_LAG + BASELINE_HOURS  # 49 days are looked at

# An open incident's hours are no baseline for its own rise, but only for so long: what has been
# usual for weeks is usual, also while a mild incident waits for its customer.
OPEN_HOURS = 7 * 24
MONTH_HOURS = 30 * 24

PRIOR_SHAPE = 0.5  # a0 of alerting.md 3.2: clusters of one brand differ widely in rate
# A cluster nobody knows anything about gets 0.05 authors an hour (1.2 a day), the most common rate
# of the mix in alerting.md 3.3 (60 % of clusters). With it a new cluster of a new brand pages from
# about 6 authors in an hour or 13 in six. The brand's own mean takes over: after 72 cluster-hours
# both weigh the same.
COLD_RATE = 0.05
COLD_HOURS = 72.0

PHI = (1.0, 6.0)
KAPPA = (0.15, 1.0)
PHI_PRIOR = 1.5  # between the two kinds of stream that were simulated
PHI_POSTS = 20.0  # so many posts weigh as much as the prior
PHI_POSTS_BRAND = 200.0  # a cluster leans on its brand's burstiness, which far more posts tell
OWN_SEASON_POSTS = 300  # from here a cluster's own hours of the day count
SHRINK_DAY = 100.0  # posts' worth of the coarser profile mixed into the finer one
SHRINK_WEEK = 1000.0
# A brand's burstiness within ten minutes is read from so many hours that ended so long ago.
PULSE_HOURS, PULSE_LAG_HOURS = 5 * 24, FIT_LAG
SLOTS = 6  # ten-minute slots an hour: how near in time people must be to pass for one voice
BURST_CLIP = 5.0  # an hour of the brand counts for at most five mean hours in profile and rate


@dataclass(frozen=True, slots=True)
class Baseline:
    """What was fitted, as running sums so that any window costs four look-ups.

    Shapes: `*_sum` (..., hours + 1), `rate` (...), `phi` and `kappa` (..., windows).
    `exposure_sum` adds up season over hours that were watched, `season_sum` over all hours.
    `slot_phi` (...) is the part of `phi` that people bring who write within ten minutes.
    """

    count_sum: Floats
    exposure_sum: Floats
    watched_sum: Floats
    season_sum: Floats
    rate: Floats
    phi: Floats
    kappa: Floats
    slot_phi: Floats


@dataclass(frozen=True, slots=True)
class BrandFit:
    """What is fitted on a whole brand, the same for all its clusters.

    Shapes: `profile` (..., 168), `rate` and `phi` (...).
    """

    profile: Floats
    rate: Floats
    phi: Floats


@dataclass(frozen=True, slots=True)
class Expectation:
    """Predictive mean and variance per window end, and how many watched hours lie behind them.

    `level` is the rate an hour at mean season; `doubt` the squared relative error of the mean.
    """

    mean: Floats
    variance: Floats
    watched_hours: Floats
    level: Floats
    doubt: Floats


def fit_brand(brand: Floats, hours: Ints, *, watched: Floats, clusters: int, upto: int) -> BrandFit:
    """Fit season, mean cluster rate and burstiness of a brand; shapes and `upto` as in `fit`."""
    past, recent = _past(upto), _recent(upto)
    shape, rate = _brand_profile(brand[..., past], watched[..., past], hours[past], clusters)
    exposure = shape[..., hours[recent] % WEEK] * watched[..., recent]
    return BrandFit(shape, rate, _brand_phi(brand[..., recent], exposure))


def fit(
    cluster: Floats,
    brand: BrandFit,
    hours: Ints,
    *,
    cluster_watched: Floats,
    upto: int,
    slot_phi: Floats | float = 1.0,
    borrowed: tuple[float, float] | None = None,
) -> Baseline:
    """Fit season, prior rate and spread on what lies before grid index `upto`.

    Shapes: `cluster` and its watched mask (0 or 1) are (..., H); `hours` (H,) holds the
    absolute UTC hour of each column. Hours whose mask is 0 (before the cluster existed, no source
    answered, inside an open incident) count neither as posts nor as exposure.
    `slot_phi` (...) is what `dispersion_in_slots` says of the brand; 1 when nothing is known.
    `borrowed`: the rate of a sister product (authors an hour per cluster) and its share of the
    prior rate; what the cluster itself brings outweighs both as its hours add up.
    """
    past, recent = _past(upto), _recent(upto)
    rate = brand.rate
    if borrowed is not None:
        sister, weight = borrowed
        rate = weight * sister + (1.0 - weight) * rate
    profile = _own_profile(
        brand.profile,
        cluster[..., past] * cluster_watched[..., past],
        cluster_watched[..., past],
        hours[past],
    )
    season = profile[..., hours % WEEK]
    counts = cluster * cluster_watched
    exposure = season * cluster_watched
    level = (PRIOR_SHAPE + counts[..., past].sum(-1)) / (
        PRIOR_SHAPE / rate + exposure[..., past].sum(-1)
    )
    phi, kappa = _spread(counts[..., recent], level[..., None] * exposure[..., recent], brand.phi)
    return Baseline(
        _running(counts),
        _running(exposure),
        _running(cluster_watched),
        _running(season),
        rate,
        phi,
        kappa,
        np.clip(np.minimum(slot_phi, phi[..., 0]), *PHI),
    )


def expect(
    base: Baseline,
    ends: Floats,
    window: Any,
    *,
    lag: int | None = None,
    caught_up: Any = 0.0,
    lift: Any = 1.0,
) -> Expectation:
    """Predict the count of the windows that end at `ends`.

    Shapes: `ends` (E,) in hours from the start of the grid; answers are (..., E).
    `window` indexes WINDOWS, one for all ends or one each; `lag` overrides its lag.
    `caught_up` (E,) are hours before each window whose posts may arrive inside it, because no
    source answered when they were written. `lift` (E,) is how many times as much as usual the
    brand's other talk is.
    """
    chosen = np.atleast_1d(np.asarray(window))
    width = np.take(WINDOWS, chosen)
    whole = np.floor(ends).astype(np.int64)
    last = np.maximum(whole - (np.take(LAGS, chosen) if lag is None else lag), 0)
    first = np.maximum(last - BASELINE_HOURS, 0)
    shape = PRIOR_SHAPE + _between(base.count_sum, first, last)
    prior = PRIOR_SHAPE / base.rate[..., None]
    level = shape / (prior + _between(base.exposure_sum, first, last))
    begin = np.maximum(ends - width - caught_up, 0.0)
    mean = lift * level * (_at(base.season_sum, ends) - _at(base.season_sum, begin))
    doubt = base.kappa[..., chosen] ** 2 + 1.0 / shape
    variance = base.phi[..., chosen] * mean + doubt * mean**2
    return Expectation(mean, variance, _between(base.watched_sum, first, last), level, doubt)


def voices(base: Baseline, usual: Expectation, window: Any) -> tuple[Floats, Floats, Floats]:
    """Return mean and variance of the voices in windows, and how many a month are usual.

    Shape: those of `usual`, which `expect` gave for the same windows. A voice is one burst of
    people within a slot: where posts are negative binomial with variance phi times the mean, bursts
    are Poisson, ln(phi) / (phi - 1) a post (Anscombe 1950). What of phi does not come from within
    slots stays as spread of the voices.
    """
    slot_phi = base.slot_phi[..., None]
    apiece = np.log(slot_phi) / np.maximum(slot_phi - 1.0, 1e-9)
    apiece = np.where(slot_phi > 1.0 + 1e-6, apiece, 1.0)
    phi = base.phi[..., np.atleast_1d(np.asarray(window))]
    mean = apiece * usual.mean
    variance = (1.0 + apiece * np.maximum(phi - slot_phi, 0.0)) * mean + usual.doubt * mean**2
    return mean, variance, MONTH_HOURS * usual.level * apiece


def dispersion_in_slots(slots: Floats) -> Floats:
    """Return variance over mean of counts in ten-minute slots, within their hours, (...).

    Shape: `slots` (..., hours * 6), whole hours. Compared within hours, so that neither the time of
    day nor a busy hour counts as burstiness. Shrunk to nought known: 1.
    """
    hours = slots.reshape(*slots.shape[:-1], -1, SLOTS)
    mean = slots.mean(-1)
    clipped = np.minimum(hours, _cut(mean)[..., None, None])
    within = clipped.var(-1, ddof=1).sum(-1)
    posts = hours.mean(-1).sum(-1)
    phi: Floats = (within * SLOTS + PHI_POSTS) / (posts * SLOTS + PHI_POSTS)
    return np.clip(phi, *PHI)


def _past(upto: int) -> slice:
    return slice(max(0, upto - BASELINE_HOURS), max(0, upto))


def _recent(upto: int) -> slice:
    quiet = upto - FIT_LAG
    return slice(max(0, quiet - FIT_HOURS), max(0, quiet))


def _running(values: Floats) -> Floats:
    out = np.zeros((*values.shape[:-1], values.shape[-1] + 1))
    np.cumsum(values, axis=-1, out=out[..., 1:])
    return out


def _between(sums: Floats, first: Ints, last: Ints) -> Floats:
    difference: Floats = sums[..., last] - sums[..., first]
    return difference


def _at(sums: Floats, where: Floats) -> Floats:
    whole = np.minimum(np.floor(where).astype(np.int64), sums.shape[-1] - 2)
    below = sums[..., whole]
    value: Floats = below + (sums[..., whole + 1] - below) * (where - whole)
    return value


def _per_cell(values: Floats, cells: Ints, size: int) -> Floats:
    """Sum columns that fall into the same cell of a cycle; (..., H) becomes (..., size)."""
    out = np.zeros((*values.shape[:-1], size))
    if values.shape[-1]:
        pad = np.zeros((*values.shape[:-1], (-values.shape[-1]) % size))
        turned = np.concatenate([values, pad], axis=-1)
        out += turned.reshape(*values.shape[:-1], -1, size).sum(-2)
        out = np.roll(out, int(cells[0]), axis=-1)
    return out


def _shares(counts: Floats, exposure: Floats, weight: float, prior: Floats | float) -> Floats:
    """Relative rate per cell (mean 1 under `prior`), shrunk by `weight` posts towards `prior`.

    Shape: (..., cells). The posts expected in a cell are those of the whole, spread by exposure and
    prior; so hours that were not watched neither lower nor raise their cell.
    """
    total = counts.sum(-1, keepdims=True)
    usual = exposure * prior
    usual = usual / np.maximum(usual.sum(-1, keepdims=True), 1e-9) + 1e-9
    ratio = (counts + weight * usual) / (total * usual + weight * usual)
    rates = prior * ratio
    shares: Floats = rates / rates.mean(-1, keepdims=True)
    return shares


def _brand_profile(
    brand: Floats, watched: Floats, hours: Ints, clusters: int
) -> tuple[Floats, Floats]:
    """Return the brand's hour-of-week profile (..., 168; mean 1) and mean cluster rate (...)."""
    watched_hours = watched.sum(-1)
    usual = (brand * watched).sum(-1) / np.maximum(watched_hours, 1.0)
    counts = np.minimum(brand * watched, np.maximum(BURST_CLIP * usual, BURST_CLIP)[..., None])
    week = _per_cell(counts, hours % WEEK, WEEK)
    seen = _per_cell(watched, hours % WEEK, WEEK)
    days = (*week.shape[:-1], 7, 24)
    by_hour = _shares(week.reshape(days).sum(-2), seen.reshape(days).sum(-2), SHRINK_DAY, 1.0)
    by_day = _shares(week.reshape(days).sum(-1), seen.reshape(days).sum(-1), SHRINK_DAY, 1.0)
    coarse = (by_day[..., :, None] * by_hour[..., None, :]).reshape(week.shape)
    profile = _shares(week, seen, SHRINK_WEEK, coarse)
    rate = (counts.sum(-1) + COLD_RATE * COLD_HOURS) / (
        watched_hours * max(1, clusters) + COLD_HOURS
    )
    return profile, rate


def _own_profile(profile: Floats, counts: Floats, watched: Floats, hours: Ints) -> Floats:
    """Mix in a cluster's own hours of the day once it has 300 posts in 28 days.

    Why: without it a wrong brand profile gave 2-5 false ramps a month at 10 posts/h (alerting.md).
    """
    days = (*profile.shape[:-1], 7, 24)
    by_hour = profile.reshape(days).mean(-2)
    own = _shares(
        _per_cell(counts, hours % 24, 24), _per_cell(watched, hours % 24, 24), SHRINK_DAY, by_hour
    )
    enough = (counts.sum(-1) >= OWN_SEASON_POSTS)[..., None]
    ratio = np.where(enough, own / by_hour, 1.0)
    turned = profile.reshape(days) * ratio[..., None, :]
    mixed: Floats = turned.reshape(*turned.shape[:-2], WEEK)
    return mixed


def _brand_phi(counts: Floats, exposure: Floats) -> Floats:
    """Return the burstiness of the whole brand from single hours, (...).

    The profile was fitted on the same hours: each hour of the week on four weeks' posts, of which
    the share `own` is its own. Residuals are that much too small; without the correction phi = 2
    was taken for 1.5 and false alarms doubled (docs/adr/0029).
    """
    means, squares = _squares(counts, exposure)
    posts = means.sum(-1)
    own = 2.0 * posts / (2.0 * posts + SHRINK_WEEK)  # the fit sees twice the hours seen here
    weeks = BASELINE_HOURS / WEEK
    squares = squares / (1.0 - 2.0 * own / weeks + own**2 / weeks)
    phi: Floats = (squares + PHI_POSTS * PHI_PRIOR) / (posts + PHI_POSTS)
    return np.clip(phi, *PHI)


def _squares(counts: Floats, exposure: Floats) -> tuple[Floats, Floats]:
    """Return the means of single hours (..., H) and the sum of squared differences (...)."""
    level = counts.sum(-1) / np.maximum(exposure.sum(-1), 1e-9)
    means: Floats = level[..., None] * exposure
    squares: Floats = ((np.minimum(counts, _cut(means)) - means) ** 2).sum(-1)
    return means, squares


def _spread(counts: Floats, means: Floats, phi_prior: Floats) -> tuple[Floats, Floats]:
    """Return phi and kappa per window, each (..., windows)."""
    fitted = []
    x, m = _running(counts), _running(means)
    for width in WINDOWS:
        if counts.shape[-1] < width:
            fitted.append((phi_prior, np.full_like(phi_prior, KAPPA[0])))
            continue
        fitted.append(
            _moments(
                x[..., width:] - x[..., :-width],
                m[..., width:] - m[..., :-width],
                width,
                phi_prior,
            )
        )
    return np.stack([phi for phi, _ in fitted], -1), np.stack([kappa for _, kappa in fitted], -1)


def _moments(counts: Floats, means: Floats, width: int, phi_prior: Floats) -> tuple[Floats, Floats]:
    """Fit V = phi m + kappa^2 m^2 by moments over overlapping windows of `width` hours.

    Phi is shrunk to its brand's; what phi's upper limit cannot explain is left to kappa.
    """
    squares = ((np.minimum(counts, _cut(means)) - means) ** 2).sum(-1)
    linear, quadratic = means.sum(-1), (means**2).sum(-1)
    weight = PHI_POSTS_BRAND * width
    phi = (squares - KAPPA[0] ** 2 * quadratic + weight * phi_prior) / (linear + weight)
    phi = np.clip(phi, *PHI)
    # squares of n windows that overlap `width` times: one standard deviation of them is no sign
    # of wandering; without this, quiet clusters were given a kappa of up to 1 by chance
    each = phi * linear / counts.shape[-1]
    noise = np.sqrt((2.0 * each**2 + phi**2 * each) * counts.shape[-1] * width)
    rest = np.maximum(squares - phi * linear - noise, 0.0) / np.maximum(quadratic, 1e-9)
    return phi, np.sqrt(np.clip(rest, KAPPA[0] ** 2, KAPPA[1] ** 2))


def _cut(means: Floats) -> Floats:
    """Return where counts are cut: four standard deviations plus two of a moderately bursty stream.

    Why: an event of last week must not blind the detector this week.
    """
    cut: Floats = means + 4.0 * np.sqrt(2.0 * means + (KAPPA[0] * means) ** 2) + 2.0
    return cut
