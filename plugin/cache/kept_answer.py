"""An answer as the inbox keeps it: its text, and how it ends where that is not just whole.

The table has one column for it, as before there were endings. An answer without one stands there
as it is, so that what an earlier version kept is still what it was.
"""

from __future__ import annotations

import json
from typing import Any

import attr

from ..topology.standing_answer import WHOLE, Ending

# No text of an earlier version begins with it, and PostgreSQL takes it.
ENVELOPE = "\x02"


def encode_answer(text: str, ending: Ending = WHOLE) -> str:
    """What to put into the column."""
    if ending == WHOLE and not text.startswith(ENVELOPE):
        return text
    kept = {"text": text, **attr.asdict(ending), "marks": sorted(ending.marks)}
    return ENVELOPE + json.dumps(kept)


def decode_answer(kept: Any) -> tuple[str | None, Ending]:
    """What was put into the column; a damaged database may hold anything there.

    Raises:
        TypeError, ValueError, KeyError: it makes no sense.
    """
    if kept is None:
        return None, WHOLE
    if not isinstance(kept, str):
        raise TypeError(f"an answer is text, not {type(kept).__name__}")
    if not kept.startswith(ENVELOPE):
        return kept, WHOLE
    answer = json.loads(kept.removeprefix(ENVELOPE))
    ending = Ending(frozenset(answer["marks"]), str(answer["remark"]), answer.get("of"))
    return str(answer["text"]), ending
