"""How answers end that are not just whole: their marks, and what people read below them.

What is said there is the bot's own: the history leaves it out.
"""

from __future__ import annotations

from ..topology.standing_answer import CUT_OFF_KEY, STOPPED_KEY, Ending
from . import sentences

CUT_OFF = Ending(frozenset({CUT_OFF_KEY}), sentences.BREAKS_OFF)
STOPPED = Ending(frozenset({STOPPED_KEY}), sentences.IS_STOPPED)
TOO_LONG = Ending(remark=sentences.ANSWER_TOO_LONG)
