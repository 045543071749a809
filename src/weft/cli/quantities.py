"""Times, durations and sizes as people read them."""

from __future__ import annotations

from datetime import datetime, timezone


def duration_text(seconds: float | None) -> str:
    """Seconds as ``12 ms``, ``1.23 s``, ``2 min 05 s``, ``1 h 02 min``; empty where there are none."""
    if seconds is None:
        return ""
    seconds = max(0.0, seconds)
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.3g} s" if seconds < 9.995 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def bytes_text(count: int) -> str:
    """Bytes as ``12 B``, ``3.4 KiB``, ``70.0 MiB``."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def clock_text(seconds: float) -> str:
    """Seconds since the epoch as the time of day here: ``14:03:59``."""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%H:%M:%S")


def local_time_text(seconds: float | None) -> str:
    """Seconds since the epoch as date and time here: ``2024-05-01 14:03:59``; empty where there are none."""
    return "" if seconds is None else datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def utc_text(seconds: float | None) -> str | None:
    """Seconds since the epoch in the form of RFC 3339, UTC, to the microsecond: for programs."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")


def count_text(count: int, singular: str, plural: str | None = None) -> str:
    """``1 asset``, ``12 assets``."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"
