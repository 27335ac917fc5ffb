"""Events that may change the topology, in any client: they mark where to look, and no more."""

from __future__ import annotations

from typing import Any

from maubot.handlers import event
from mautrix.client import SyncStream
from mautrix.types import EventType, StateEvent

from ..reconciler.loop import Reconciler
from ..topology.model import BINDING_TYPE, MARKER_TYPE
from ..topology.scope import affected_by

BINDING_EVENT = EventType.find(BINDING_TYPE, EventType.Class.STATE)
MARKER_EVENT = EventType.find(MARKER_TYPE, EventType.Class.STATE)


class SpaceEvents:
    """Marks Spaces and chats in which something happened."""

    def __init__(self, reconciler: Reconciler) -> None:
        self.reconciler = reconciler
        self.bot = reconciler.reader.identity.bot

    @event.on(EventType.ROOM_MEMBER)
    @event.on(EventType.ROOM_TOMBSTONE)
    @event.on(EventType.SPACE_CHILD)
    @event.on(BINDING_EVENT)
    @event.on(MARKER_EVENT)
    async def take(self, evt: StateEvent) -> None:
        """Mark what the event may have changed, unless the bot did it itself."""
        about_bot = evt.state_key == self.bot or evt.type == EventType.ROOM_TOMBSTONE
        if evt.sender == self.bot and (not about_bot or is_repeated(evt)):
            return
        content: Any = evt.content
        raw: dict[str, Any] = {"type": str(evt.type), "state_key": evt.state_key}
        if evt.type == EventType.ROOM_MEMBER:
            raw["content"] = {"membership": str(content.membership)}
        routes = self.reconciler.routes
        scope = affected_by(raw, evt.room_id, routes, self.bot)
        if scope:
            self.reconciler.request(scope)


def is_repeated(evt: StateEvent) -> bool:
    """Whether this is no news: maubot asks that a message come with its sender's membership, which
    the homeserver repeats after the bot's own messages. (Of a timeline that was cut off, what is
    news is read elsewhere.)"""
    source = getattr(evt, "source", SyncStream.TIMELINE)
    return evt.type == EventType.ROOM_MEMBER and bool(source & SyncStream.STATE)
