"""What an earlier run of the plugin, or somebody else, may have left behind in Matrix."""

from __future__ import annotations

from .maubot import BOT
from .rooms import Content, Room
from .users import BINDING, CHILD, User

# Parts of requests that leave something behind in a room.
LASTING = ("createRoom", "/join", "/leave", "/invite", "/kick", "/state/")


def lasting(changes: list[str]) -> list[str]:
    """Those of some requests that make, change or end something that others see for good."""
    return [change for change in changes if any(part in change for part in LASTING)]


def make_legacy_chat(person: User, name: str) -> Room:
    """A room that the bot made and linked before there were bindings."""
    world = person.world
    body: Content = {"name": name, "invite": [person.id]}
    room = world.create(BOT, body)
    person.join(room)
    put(person, person.space, (CHILD, room.room_id), {"via": ["test"]})
    return room


def forget_binding(person: User, chat: Room) -> None:
    """Make a chat a legacy one: its binding is emptied, in the room and in the Space."""
    put(person, chat, (BINDING, ""), {})
    put(person, person.space, (CHILD, chat.room_id), {"via": ["test"]})


def put(person: User, room: Room, kind: tuple[str, str], content: Content) -> None:
    """Let a state event of the bot's stand in a room, whatever the rules say."""
    person.world.append(room, BOT, content, kind)
