"""The dates of a customer's records, as they are said to customers and agents. Floor: pure."""

from __future__ import annotations

from calendar import month_name
from datetime import date, datetime


def say_date(iso: str) -> str:
    """`2026-11-23` or an RFC 3339 time as `23 November 2026`; anything else unchanged."""
    try:
        day = date.fromisoformat(iso[:10])
    except ValueError:
        return iso
    return f"{day.day} {month_name[day.month]} {day.year}"


def say_time(at: str) -> str:
    """An RFC 3339 time as `23 November 2026 at 14:30`, in the zone it was written in."""
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return at
    return f"{say_date(at)} at {moment:%H:%M}" if "T" in at or " " in at else say_date(at)
