"""Tiers of customers: how much faster a promise is kept to some than to others."""

from __future__ import annotations

from config.values import Identifier, Model


class CustomerTier(Model):
    """A tier of customers. Tiers stand in order, the lowest first.

    `service`: the service tier whose limits hold for complaints of such customers, beside the
    route's own: the stricter one counts. `default`: the tier of people of whom nothing is known;
    without any it is the first.
    """

    id: Identifier
    name: str
    service: Identifier | None = None
    default: bool = False


TIERS = (
    CustomerTier(id="normal", name="普通", default=True),
    CustomerTier(id="vip", name="VIP"),
    CustomerTier(id="svip", name="SVIP"),
)
"""The tiers of a project that names none."""
