"""Whatever a homeserver sends: reading it never raises, and what it says is never garbled.

What stands in a room was written by every client there is, so every value may be of any kind.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from plugin.matrix.sync import invitations_in, rooms_in, scope_of
from plugin.topology.current_routes import CurrentRoutes
from plugin.topology.decode import DECODERS, decode_room
from plugin.topology.model import BINDING_TYPE, Chat, Space
from plugin.topology.scope import Scope

from ..planner.snapshots import ALICE, BOT, CHAT, IDENTITY, MALLORY, SPACE, bind, event

NAMES = [
    *("membership", "name", "via", "order", "v", "instance", "room_type", "chat_id", "space_id"),
    *("matrix_user_id", "platform", "platform_chat_id", "superseded_by", "predecessor"),
    *("room_id", "replacement_room", "allow", "type", "join_rule", "rooms", "join", "invite"),
    *("state", "timeline", "invite_state", "events", "sender", "state_key", "content"),
]
names = st.sampled_from([*NAMES, BINDING_TYPE, SPACE, CHAT, ""])
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=3),
    st.sampled_from([ALICE, BOT, SPACE, CHAT, "C1", "chat", "join", "restricted", "m.space"]),
)
# Keys that are no text stand in no JSON; who hands such a thing in must not be hurt by it either.
anything = st.recursive(
    values,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(names | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)
events = st.one_of(
    anything,
    st.builds(
        event,
        st.sampled_from(sorted(DECODERS)),
        anything,
        st.sampled_from(["", ALICE, BOT, CHAT, SPACE]) | anything,
        st.sampled_from([ALICE, BOT, MALLORY]) | anything,
        st.integers() | anything,
    ),
)


@given(st.lists(events, max_size=6), st.sampled_from([{}, {"type": "m.space"}]))
def test_a_rooms_state_is_read_whatever_stands_in_it(found: list[Any], create: Any) -> None:
    room = decode_room(CHAT, [event("m.room.create", create), *found], IDENTITY)

    assert room is not None
    assert all(isinstance(membership, str) for membership in room.members.values())
    assert 0 <= room.created_at < 2**63
    assert room.binding is None or all(isinstance(part, str) for part in room.binding)


@given(st.dictionaries(names, anything) | anything, events)
def test_a_sync_is_read_whatever_it_says(answer: Any, sent: Any) -> None:
    routes = CurrentRoutes()
    routes.put_space(Space(SPACE, ALICE))
    routes.put_chat(Chat.bound(CHAT, bind(1)))
    sections = {"state": {"events": [sent]}, "timeline": {"events": [sent]}}
    known = {"rooms": {"join": {CHAT: sections, SPACE: sections, 7: sections}}}

    for sync in (answer if isinstance(answer, dict) else {}, known):
        assert isinstance(scope_of(sync, routes, BOT), Scope)
        assert all(isinstance(one.room_id, str) for one in invitations_in(sync, BOT))
        assert all(isinstance(room_id, str) for room_id, _ in rooms_in(sync, "join"))
