"""Takes reactions: one of them, on an answer that is being written, ends it.

Any other means nothing to the bot, and so does every reaction to anything else.
"""

from __future__ import annotations

from maubot.handlers import event
from mautrix.types import EventType, ReactionEvent, RelationType

from ..delivery.stopping import Stopping
from .messages import Messages

# Clients send it with a variation selector behind it, or without one.
STOP_SIGN = "\N{OCTAGONAL SIGN}"
VARIATION_SELECTOR = "\N{VARIATION SELECTOR-16}"


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
        """Stop the answer that the chat's owner reacted to so."""
        chat, relation = self._routes.lookup(evt.room_id), evt.content.relates_to
        if chat is None or chat.owner != evt.sender or not relation.event_id:
            return
        sign = str(relation.key).removesuffix(VARIATION_SELECTOR)
        if relation.rel_type == RelationType.ANNOTATION and sign == STOP_SIGN:
            self._stopping.stop_shown(evt.room_id, relation.event_id)
