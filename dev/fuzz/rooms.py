"""Fuzzed: what stands in rooms, and what a sync tells of them, as every client there is writes it.

What is read must be of the kinds that it says, and the plan of it a plan.
"""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import attr
from mautrix.types import EventID, RoomID, SyncToken, UserID

from plugin.matrix.api import RetryingAPI
from plugin.matrix.backlog import is_limited, read_backlog, timeline_events
from plugin.matrix.message_edits import apply_edits
from plugin.matrix.replacements import Replacements
from plugin.matrix.room_pages import RoomPages
from plugin.matrix.sync import invitations_in, joined_in, rooms_in, scope_of
from plugin.matrix.timeline import Timeline
from plugin.matrix.timeline_message import parse_timeline_event
from plugin.message import parse_message, restore_message
from plugin.planner.plan import Rules, make_plan
from plugin.topology.contents import (
    BINDING_FIELDS,
    child_content,
    decode_binding,
    join_rules_content,
    parent_content,
)
from plugin.topology.current_routes import CurrentRoutes
from plugin.topology.decode import decode_room
from plugin.topology.model import (
    BINDING_TYPE,
    CHILD_TYPE,
    MARKER_TYPE,
    PARENT_TYPE,
    Binding,
    Chat,
    Identity,
    Marker,
    Space,
    Topology,
)
from plugin.topology.snapshot import Snapshot

from .target import LOOP, Target, Unusable, from_json, to_json

BOT, ALICE, BOB = UserID("@bot:test"), UserID("@alice:test"), UserID("@bob:other")
SPACE, CHAT, NEXT = RoomID("!space:test"), RoomID("!chat:test"), RoomID("!next")
TOKEN, QUESTION = SyncToken("s0"), EventID("$1")
IDENTITY = Identity(BOT, "main")
BINDING = Binding("C1", SPACE, ALICE, "echo", "conversation")
EDIT = {"rel_type": "m.replace", "event_id": "$1"}
THREAD = {"rel_type": "m.thread", "event_id": "$0", "m.in_reply_to": {"event_id": "$0"}}


def event(kind: str, content: object, state_key: str | None = "", sender: str = BOT) -> Any:
    """An event as a homeserver lists it; a message if it has no state key."""
    found = {"type": kind, "content": content, "sender": sender, "origin_server_ts": 1_700_000}
    return {**found, "event_id": "$1"} if state_key is None else {**found, "state_key": state_key}


def message(text: str, **more: object) -> Any:
    """A message of the owner's."""
    content = {"msgtype": "m.text", "body": text, **more}
    return event("m.room.message", content, None, ALICE)


SPACE_STATE = [
    event("m.room.create", {"type": "m.space", "room_version": "11"}),
    event(MARKER_TYPE, Marker(ALICE, NEXT).content("main")),
    event(MARKER_TYPE, Marker(ALICE).content("main")),
    event(CHILD_TYPE, child_content(BINDING, IDENTITY), CHAT),
    event(CHILD_TYPE, {"order": "1", "suggested": False}, NEXT, ALICE),
    event("m.room.member", {"membership": "join", "displayname": "A"}, ALICE, ALICE),
]
CHAT_STATE = [
    event("m.room.create", {"predecessor": {"room_id": "!old:test", "event_id": "$1"}}),
    event(BINDING_TYPE, BINDING.content("main")),
    event(PARENT_TYPE, parent_content(BOT, ALICE), SPACE),
    event("m.room.join_rules", join_rules_content(SPACE)),
    event("m.room.tombstone", {"replacement_room": NEXT, "body": "closed"}),
    event("m.room.member", {"membership": "invite"}, ALICE),
    event("m.room.name", {"name": "Chat 1"}, "", ALICE),
]
MESSAGES = [
    message("Hello"),
    message("> <@bob:other> quoted\n> more\n\nA reply", **{"m.relates_to": THREAD}),
    message("* new", **{"m.relates_to": EDIT, "m.new_content": message("new")["content"]}),
    message("@bot", **{"m.mentions": {"user_ids": [BOT]}}),
    message("b", formatted_body=f'<a href="https://matrix.to/#/{BOT}">b</a>', format="x"),
    event("m.room.message", {"msgtype": "m.text", "body": "x", "chat.spacekeeper.answers": "$1"}),
    {**event("m.room.redaction", {"redacts": "$1"}, None, ALICE), "redacts": "$1"},
    event("m.room.encrypted", {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "A"}, None),
]


def _part(*events: Any) -> dict[str, Any]:
    timeline = {"events": list(events), "limited": True, "prev_batch": "t1"}
    return {"state": {"events": []}, "timeline": timeline}


SYNC = {
    "next_batch": "s1",
    "rooms": {
        "join": {CHAT: _part(*MESSAGES), SPACE: _part(*SPACE_STATE), NEXT: _part(*CHAT_STATE)},
        "leave": {CHAT: _part(event("m.room.member", {"membership": "leave"}, BOT, ALICE))},
        "invite": {
            NEXT: {"invite_state": {"events": [event("m.room.member", {}, BOT, ALICE)]}},
        },
    },
}


def _routes() -> CurrentRoutes:
    routes = CurrentRoutes()
    routes.put_space(Space(SPACE, ALICE))
    routes.put_chat(Chat.bound(CHAT, BINDING))
    return routes


ROUTES = _routes()


def read_state(value: Any) -> None:
    """One room's state; what is read is read the same from what would be written of it."""
    room = decode_room(CHAT, value if isinstance(value, list) else [value], IDENTITY)
    if room is None:
        return
    assert isinstance(room.creator, str)
    assert 0 <= room.created_at < 2**53
    assert all(isinstance(one, str) for one in (*room.members.values(), *room.parents))
    for link in room.links:
        assert all(isinstance(server, str) for server in link.via)
        if link.mirror is not None:
            written = child_content(link.mirror, IDENTITY, link.content)
            assert decode_binding(written[BINDING_TYPE]) == (link.mirror, None)
            json.dumps(written)
    for partial in (room.partial, *(link.partial for link in room.links)):
        assert partial is None or all(isinstance(one, str | None) for one in partial)
        assert partial is None or len(partial) == len(BINDING_FIELDS)


def read_rooms(value: Any) -> None:
    """Several rooms' states, and what is planned of them."""
    if not isinstance(value, dict):
        raise Unusable
    states = {RoomID(key): events for key, events in value.items() if isinstance(events, list)}
    decoded = {key: decode_room(key, events, IDENTITY) for key, events in states.items()}
    rooms = {key: room for key, room in decoded.items() if room is not None}
    snapshot = Snapshot(BOT, frozenset(states), rooms, unread=frozenset(states.keys() - rooms))
    known = Topology({SPACE: Space(SPACE, ALICE)}, {CHAT: Chat.bound(CHAT, BINDING)})
    for cached in (Topology(), known):
        plan = make_plan(snapshot, cached, Rules(IDENTITY, "echo"))
        for write in plan.writes:
            json.dumps(attr.asdict(write), default=list)
        for chat in plan.topology.chats.values():
            assert all(isinstance(one, str) for one in chat[:6])


def read_message(value: Any) -> None:
    """Messages and edits; what is kept of each comes back as it was."""
    events = [one for one in (value if isinstance(value, list) else [value]) if type(one) is dict]
    parsed = [one for event in events if (one := parse_message({**event, "room_id": CHAT}))]
    for one in apply_edits(parsed):
        assert restore_message(json.loads(json.dumps(attr.asdict(one)))) == one
        one.body.encode()
    edits = Replacements()
    for found in events:
        parse_timeline_event({**found, "room_id": CHAT}, edits, BOT)


async def _read_sync(sync: dict[str, Any]) -> None:
    pages = RoomPages(cast(Any, SimpleNamespace(crypto=None)), cast(RetryingAPI, None))
    timeline = Timeline(pages, BOT, "main")
    for room_id, part in rooms_in(sync, "join"):
        is_limited(part)
        assert all(isinstance(one, dict) for one in timeline_events(part))
        backlog = await read_backlog(room_id, part, None, timeline)
        assert all(isinstance(one, str) for one in backlog.redacted)


def read_sync(value: Any) -> None:
    """A sync, taken apart in every way."""
    if not isinstance(value, dict):
        raise Unusable
    assert all(isinstance(one.sender, str) for one in invitations_in(value, BOT))
    assert all(isinstance(one, str) for one in joined_in(value, BOT))
    scope = scope_of(value, ROUTES, BOT)
    assert all(isinstance(one, str) for one in (*scope.owners, *scope.rooms))
    LOOP.run(_read_sync(value))


TARGETS = (
    Target("state", from_json(read_state), to_json(SPACE_STATE, CHAT_STATE)),
    Target("rooms", from_json(read_rooms), to_json({SPACE: SPACE_STATE, CHAT: CHAT_STATE})),
    Target("messages", from_json(read_message), to_json(MESSAGES, *MESSAGES)),
    Target("sync", from_json(read_sync), to_json(SYNC)),
)
