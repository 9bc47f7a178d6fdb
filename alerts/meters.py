"""Service terms and meter readings as event data: JSON in, records out, and back."""

from __future__ import annotations

from datetime import date, datetime

from storage.records import Json, Meter, Service


def encode_service(service: Service) -> Json:
    """Return the terms as event data can hold them."""
    return {
        "tier_id": service.tier_id,
        "react_s": service.react_s,
        "solve_s": service.solve_s,
        "warn_left": service.warn_left,
        "timezone": service.timezone,
        "opens": service.opens,
        "closes": service.closes,
        "on": service.on,
        "days": list(service.days),
        "country": service.country,
        "holidays": [day.isoformat() for day in service.holidays],
        "workdays": [day.isoformat() for day in service.workdays],
    }


def decode_service(value: Json | None) -> Service | None:
    """Return the terms; None of a policy that promises none."""
    if value is None:
        return None
    days = {name: tuple(map(date.fromisoformat, value[name])) for name in ("holidays", "workdays")}
    return Service(**{**value, "days": tuple(value["days"]), **days})


def encode_meter(meter: Meter) -> Json:
    """Return a reading as event data can hold it."""
    return {
        "react_s": meter.react_s,
        "solve_s": meter.solve_s,
        "at": meter.at.isoformat(),
        "told": list(meter.told),
    }


def decode_meter(value: Json | None) -> Meter | None:
    """Return a reading."""
    if value is None:
        return None
    return Meter(
        react_s=float(value["react_s"]),
        solve_s=float(value["solve_s"]),
        at=datetime.fromisoformat(value["at"]),
        told=tuple(value["told"]),
    )
