"""Answers that are seen while they are written, as a table for the terminal.

The wait that is meant is taken off before the overhead is judged, and stands in the table too.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable

from .streaming import HELD_BACK, PAUSE, WORDS, Seen, Streaming
from .table import lay_out, ms, verdict

# Seconds that Spacekeeper may add to what sending a message takes.
MAX_ADDED = 0.15

Of = Callable[[Seen], float]


def streaming_table(figures: Streaming) -> str:
    """Medians, and the longest of those in a chat; overhead beside its target."""
    send = statistics.median(figures.sends)
    rows = [
        ["", "direct", "in a chat", "longest", "target"],
        _row("question to first word", figures, lambda one: one.first),
        _row("question to whole answer", figures, lambda one: one.whole),
        _row("first word, said to seen", figures, lambda one: one.after_first),
        _row(f"the same without {ms(HELD_BACK)}", figures, lambda one: one.added, send),
        _row("last word, said to seen", figures, lambda one: one.after_last, send),
    ]
    # Nothing is held back of what the server says itself.
    rows[4][1] = ""
    edits = [one.edits for one in figures.ours]
    rows.append(["edits of an answer", "", f"{statistics.median(edits):g}", f"{max(edits)}", ""])
    rows.append(["a message, sent to seen", "", ms(send), ms(max(figures.sends)), ""])
    title = f"{len(edits)} answers of {len(WORDS)} words, one every {ms(PAUSE)}"
    return f"{title}\n{lay_out(rows)}"


def _row(name: str, figures: Streaming, of: Of, send: float | None = None) -> list[str]:
    """One row; judged if it is told what a message takes."""
    direct, ours = (
        statistics.median(of(one) for one in side) for side in (figures.direct, figures.ours)
    )
    target = ""
    if send is not None:
        met = verdict(ours <= MAX_ADDED + send)
        target = f"{met}: {ms(MAX_ADDED)} and a message, {ms(MAX_ADDED + send)}"
    return [name, ms(direct), ms(ours), ms(max(of(one) for one in figures.ours)), target]
