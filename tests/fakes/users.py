"""The people around the bot: what they do in Matrix, and what they see there."""

from __future__ import annotations

from html import escape
from typing import Any

from .maubot import BOT
from .rooms import Content, Event, Room
from .world import World

BINDING = "chat.spacekeeper.room"
MARKER = "chat.spacekeeper.space"
CHILD = "m.space.child"
ENCRYPTION = ("m.room.encryption", "")
ALGORITHM = "m.megolm.v1.aes-sha2"


class User:
    """Somebody with an account; what happens is told by what they do."""

    def __init__(self, world: World, name: str, server: str = "test") -> None:
        self.world = world
        self.id = f"@{name}:{server}"
        world.names[self.id] = name.capitalize()

    def invite_bot(self, *others: User) -> Room:
        """Open a room and invite the bot, and perhaps others."""
        body = {"preset": "private_chat", "invite": [BOT, *(other.id for other in others)]}
        return self.world.create(self.id, body)

    def let_in(self, other: User, room: Room) -> None:
        """Invite somebody to a room, who joins it."""
        self.world.invite(self.id, room.room_id, other.id)
        other.join(room)

    def write(self, room: Room, text: str, **more: object) -> Event:
        """Write a message; further fields replace those of a plain text."""
        content = {"msgtype": "m.text", "body": text, **more}
        return self.world.send(self.id, room.room_id, "m.room.message", content)

    def edit(self, message: Event, text: str) -> Event:
        """Let another text stand in a message's place (client-server API, section 11.37)."""
        room = self.world.rooms[message["room_id"]]
        relation = {"rel_type": "m.replace", "event_id": message["event_id"]}
        new = {"msgtype": "m.text", "body": text}
        return self.write(room, f"* {text}", **{"m.new_content": new, "m.relates_to": relation})

    def react(self, message: Event, key: str) -> Event:
        """React to a message (client-server API, section 11.9)."""
        relation = {"rel_type": "m.annotation", "event_id": message["event_id"], "key": key}
        room_id = message["room_id"]
        return self.world.send(self.id, room_id, "m.reaction", {"m.relates_to": relation})

    def reply(self, message: Event, text: str) -> Event:
        """Reply as clients did up to Matrix 1.12: what is replied to is quoted in the body."""
        room = self.world.rooms[message["room_id"]]
        sender, quoted = message["sender"], message["content"].get("body", "")
        link = f"https://matrix.to/#/{room.room_id}/{message['event_id']}"
        quote = "\n> ".join(f"<{sender}> {quoted}".split("\n"))
        html = (
            f'<mx-reply><blockquote><a href="{link}">In reply to</a> '
            f'<a href="https://matrix.to/#/{sender}">{sender}</a><br>{escape(quoted)}'
            f"</blockquote></mx-reply>{escape(text)}"
        )
        return self.write(
            room,
            f"> {quote}\n\n{text}",
            format="org.matrix.custom.html",
            formatted_body=html,
            **{"m.relates_to": {"m.in_reply_to": {"event_id": message["event_id"]}}},
        )

    def write_in_thread(self, root: Event, text: str) -> Event:
        """Write in the thread under a message (client-server API, section 11.10); clients that
        know no threads show it as a reply to the newest message in there."""
        room = self.world.rooms[root["room_id"]]
        thread = {"rel_type": "m.thread", "event_id": root["event_id"]}
        newest = root
        for event in room.messages():
            if thread.items() <= event["content"].get("m.relates_to", {}).items():
                newest = event
        fallback = {"is_falling_back": True, "m.in_reply_to": {"event_id": newest["event_id"]}}
        return self.write(room, text, **{"m.relates_to": {**thread, **fallback}})

    def turn_on_encryption(self, room: Room) -> None:
        self.put_state(room, ENCRYPTION, {"algorithm": ALGORITHM})

    def write_encrypted(self, room: Room) -> Event:
        """Write a message that nobody without the keys can read, the tests included."""
        content = {
            "algorithm": ALGORITHM,
            "ciphertext": "AwgAEnACgAkLmt6qF84IK",
            "device_id": "RJYKSTBOIE",
            "sender_key": "IlRMeOPX2e0MurIyfWEucYBRVOEEUMrOHqn/8mLqMjA",
            "session_id": "X3lUlvLELLYxeTx4yOVu6UDpasGEVO0Jbu+QFnm0cKQ",
        }
        return self.world.send(self.id, room.room_id, "m.room.encrypted", content)

    def take_back(self, message: Event) -> None:
        self.world.redact(self.id, message)

    def join(self, *rooms: Room) -> None:
        for room in rooms:
            self.world.join(self.id, room.room_id)

    def leave(self, room: Room) -> None:
        self.world.leave(self.id, room.room_id)

    def accept_all(self) -> None:
        """Accept every invitation."""
        for room_id, membership in list(self.world.rooms_of[self.id].items()):
            if membership == "invite":
                self.world.join(self.id, room_id)

    def put_state(self, room: Room, kind: tuple[str, str], content: Content) -> None:
        self.world.put_state(self.id, room.room_id, kind, content)

    @property
    def spaces(self) -> list[Room]:
        """The Spaces that the bot keeps for this person, in the order of their making."""
        return [
            room
            for room in self.world.rooms.values()
            if room.is_space and room.content(MARKER).get("matrix_user_id") == self.id
        ]

    @property
    def space(self) -> Room:
        (space,) = self.spaces
        return space

    @property
    def chats(self) -> list[Room]:
        """The rooms bound to this person, in the order of their making."""
        return [
            room
            for room in self.world.rooms.values()
            if room.content(BINDING).get("matrix_user_id") == self.id
        ]

    @property
    def chat(self) -> Room:
        (chat,) = self.chats
        return chat


def said(room: Room) -> list[Event]:
    """What the bot said in a room, in order, each message as its last edit left it."""
    edits: dict[str, Content] = {}
    messages = []
    for event in room.messages(BOT):
        content = event["content"]
        relation = content.get("m.relates_to", {})
        if relation.get("rel_type") == "m.replace":
            edits[relation["event_id"]] = content["m.new_content"]
        elif content:
            messages.append(event)
    return [
        {**event, "content": _edited(event["content"], edits.get(event["event_id"]))}
        for event in messages
    ]


def _edited(content: Content, edit: Content | None) -> Content:
    """What stands in a message after its last edit, which leaves what the message relates to."""
    if edit is None or "m.relates_to" not in content:
        return edit or content
    return {**edit, "m.relates_to": content["m.relates_to"]}


def heard(room: Room) -> list[str]:
    """What people read of the bot's in a room, in order."""
    return [event["content"]["body"] for event in said(room)]


def replies(room: Room, to: Event) -> list[str]:
    """What the bot said to one message: the beginnings of its replies and answers to it."""
    texts, goes_on = [], False
    for event in said(room):
        content = event["content"]
        relation = content.get("m.relates_to", {}).get("m.in_reply_to", {})
        is_answer = content.get("chat.spacekeeper.answers") == to["event_id"]
        begins = is_answer and not goes_on and content["msgtype"] == "m.text"
        if begins or relation.get("event_id") == to["event_id"]:
            texts.append(content["body"])
        goes_on = is_answer and "chat.spacekeeper.continues" in content
    return texts


def bindings(world: World) -> dict[str, tuple[Any, Any]]:
    """Every chat's binding and the mirror of it in its Space, by room."""
    found = {}
    for room_id, room in world.rooms.items():
        binding = room.content(BINDING)
        if "space_id" in binding:
            space = world.rooms[binding["space_id"]]
            found[room_id] = (binding, space.content(CHILD, room_id).get(BINDING))
    return found


def links(space: Room) -> dict[str, Content]:
    """The rooms that a Space links now, with what their links say."""
    return {
        key: event["content"]
        for (event_type, key), event in space.state.items()
        if event_type == CHILD and event["content"].get("via")
    }
