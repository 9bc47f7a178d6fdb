"""Times that people type, and how they are shown."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo


def moment(text: str, zone: ZoneInfo, option: str = "--at") -> datetime | None:
    """Return the instant that was typed, None for nothing; without an offset it is local time.

    Errors: ConfigError, naming the option, when it is no time.
    """
    from config.errors import ConfigError

    if not text.strip():
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ConfigError(
            f"{option} {text!r}: expected a time such as '2026-11-20 10:05'"
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=zone)
