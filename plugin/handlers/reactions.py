"""Takes reactions: one of them, on an answer that is being written, ends it.

Any other means nothing to the bot, and so does every reaction to anything else.
"""

from __future__ import annotations

from maubot.handlers import event
from mautrix.types import EventType, ReactionEvent

from ..matrix.stop_sign import parse_stop_sign
from .messages import Messages


class Reactions:
    """Takes every reaction."""

    def __init__(self, messages: Messages) -> None:
        """
        Args:
            messages: knows who is answered, and where what they do comes in.
        """
        self._messages = messages

    @event.on(EventType.REACTION)
    async def take(self, evt: ReactionEvent) -> None:
        """Take in a live reaction."""
        sign = parse_stop_sign(evt.serialize())
        if sign is not None and self._messages.may_be_answered(sign.room_id, sign.sender):
            self._messages.inbound.receive(sign)
