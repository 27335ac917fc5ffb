"""Takes reactions: one of them, on an answer that is being written, ends it.

Any other means nothing to the bot, and so does every reaction to anything else.
"""

from __future__ import annotations

from maubot.handlers import event
from mautrix.types import EventType, ReactionEvent, RoomID

from ..delivery.stopping import Stopping
from ..matrix.stop_sign import StopSign, parse_stop_sign
from .messages import Messages


class Reactions:
    """Takes every reaction."""

    def __init__(self, messages: Messages, stopping: Stopping) -> None:
        """
        Args:
            messages: knows whose chat a room is.
            stopping: ends answers.
        """
        self._routes = messages.routes
        self._stopping = stopping

    @event.on(EventType.REACTION)
    async def take(self, evt: ReactionEvent) -> None:
        """Take in a live reaction."""
        sign = parse_stop_sign(evt.serialize())
        if sign is not None:
            self.stop(evt.room_id, sign)

    def stop(self, room_id: RoomID, sign: StopSign) -> None:
        """Stop the answer in a room that the chat's owner reacted to so."""
        chat = self._routes.lookup(room_id)
        if chat is not None and chat.owner == sign.sender:
            self._stopping.stop_shown(room_id, sign.event_id)
