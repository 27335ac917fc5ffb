"""The marks in the bot's own messages, by which they are known again: after a restart, too.

They count only where the bot sent them. How far an answer is, is in standing_answer.py; what makes
a room a chat, in topology/contents.py.
"""

from __future__ import annotations

# The event that an answer answers, in the answer's content: tells answers from notices.
ANSWERS_KEY = "chat.spacekeeper.answers"
# The mark of an answer that is still being written (standing_answer.LIVE_KEY), as MSC4357 has it.
MSC_LIVE_KEY = "org.matrix.msc4357.live"
# The instance that answered.
INSTANCE_KEY = "chat.spacekeeper.instance"
# Which messages need no answer any more, in the content of the notice that says so: those before
# an event were given up (however many: a list of them need not fit into an event), or one whose
# answer was stopped is listed.
SETTLES_KEY = "chat.spacekeeper.settles"
# In the notice that not all of a chat is told to its platform any more: said once.
LEFT_OUT_KEY = "chat.spacekeeper.left_out"
