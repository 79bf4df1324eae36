"""Moments as an operator writes them: by the clock on the wall where his command runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def next_shown(text: str, now: datetime) -> datetime:
    """Return the next moment at which a clock here shows HH:MM, or the one that is written whole.

    One without a zone is by the clock here, too. Of a time that the end of daylight saving shows
    twice the first is meant that is still to come; one that its begin skips comes an hour later,
    by the offset before. Raises: ValueError with examples.
    """
    try:
        if "T" in text:
            return _utc(datetime.fromisoformat(text))
        clock = datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 - only its hour and minute
    except (ValueError, OverflowError):
        raise ValueError(f"expected HH:MM or 2026-01-31T18:00:00Z, got {text!r}") from None
    today = now.astimezone().date()
    shown = (
        _utc(datetime.combine(today + timedelta(days=days), clock.replace(fold=fold)))
        for days in (0, 1)
        for fold in (0, 1)
    )
    return next(at for at in shown if at > now)


def _utc(at: datetime) -> datetime:
    """Go by this machine's rules for that day where no zone is given, and not by today's offset.

    Not by `astimezone`, which takes the offset after for what is skipped.
    """
    return datetime.fromtimestamp(at.timestamp(), UTC)
