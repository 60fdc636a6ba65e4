"""Times, as System.Text.Json writes them."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, Optional

from ._mistakes import Mistake, expected, shown

_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,16}))?)?(Z|[+-]\d\d:\d\d)?)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_CLOCK = re.compile(r"(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,16}))?)?", re.ASCII)
_SPAN = re.compile(r"(-)?(?:(\d{1,8})\.)?(\d\d):(\d\d):(\d\d)(?:\.(\d{1,7}))?", re.ASCII)


def _micros(digits: Optional[str]) -> int:
    return int((digits or "0")[:6].ljust(6, "0"))


def read_datetime(value: Any) -> dt.datetime:
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise expected("a time such as \"2026-11-24T12:00:00Z\"", value)
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        tz: Optional[dt.tzinfo] = None
        if zone == "Z":
            tz = dt.timezone.utc
        elif zone:
            away = dt.timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
            tz = dt.timezone(-away if zone[0] == "-" else away)
        return dt.datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), _micros(fraction), tz)
    except ValueError as e:
        raise Mistake(f"{shown(value)} is no time: {e}") from None


def read_date(value: Any) -> dt.date:
    try:
        if not isinstance(value, str) or _DATE.fullmatch(value) is None:         # later versions of Python take more forms
            raise ValueError
        return dt.date.fromisoformat(value)
    except ValueError:
        raise expected("a date such as \"2026-11-24\"", value) from None


def read_time(value: Any) -> dt.time:
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    try:
        if match is None:
            raise ValueError
        return dt.time(int(match[1]), int(match[2]), int(match[3] or 0), _micros(match[4]))
    except ValueError:
        raise expected("a time of day such as \"12:00:00\"", value) from None


def read_span(value: Any) -> dt.timedelta:
    match = _SPAN.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise expected("a duration such as \"1.12:00:00\"", value)
    sign, days, hours, minutes, seconds, fraction = match.groups()
    span = dt.timedelta(days=int(days or 0), hours=int(hours), minutes=int(minutes), seconds=int(seconds), microseconds=_micros(fraction))
    return -span if sign else span


def write_span(value: dt.timedelta) -> str:
    sign, value = ("-", -value) if value < dt.timedelta(0) else ("", value)
    hours, rest = divmod(value.seconds, 3600)
    days = f"{value.days}." if value.days else ""
    fraction = f".{value.microseconds:06}0" if value.microseconds else ""
    return f"{sign}{days}{hours:02}:{rest // 60:02}:{rest % 60:02}{fraction}"
