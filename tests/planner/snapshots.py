"""A homeserver in miniature: rooms as raw state events, which can be read and sent.

It stands here so that a test of the plan starts from what Matrix would answer and ends in what
Matrix would hold. It must know nothing of how a plan is made: it reads, joins and sends state.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable
from typing import Any

import attr
from mautrix.types import RoomID, UserID

from plugin.planner.plan import Plan, Rules, make_plan
from plugin.planner.writes import Write
from plugin.topology.contents import child_content, parent_content
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
    Status,
    Topology,
)
from plugin.topology.snapshot import Snapshot

BOT = UserID("@keeper:one.test")
ALICE = UserID("@alice:one.test")
BOB = UserID("@bob:two.test")
MALLORY = UserID("@mallory:three.test")
IDENTITY = Identity(BOT, "main")
RULES = Rules(IDENTITY, "echo")
SPACE = RoomID("!space:one.test")
CHAT = RoomID("!chat:one.test")
OTHER = RoomID("!other:one.test")
NOTHING = Topology()
MAX_ROUNDS = 12


def event(
    event_type: str, content: Any, state_key: str = "", sender: str = BOT, at: int = 1
) -> dict[str, Any]:
    """One state event, as `GET /rooms/{roomId}/state` lists it."""
    return {
        "type": event_type,
        "content": content,
        "state_key": state_key,
        "sender": sender,
        "origin_server_ts": at,
    }


def bind(
    number: int = 1, owner: UserID = ALICE, space_id: RoomID = SPACE, **other: str
) -> Binding:
    """A binding; its conversation is named after the owner and the number."""
    conversation = other.get("platform_chat_id", f"{owner[1:4]}-{number}")
    return Binding(f"C{number}", space_id, owner, "echo", conversation)


def topology(spaces: Iterable[Space] = (), chats: Iterable[Chat] = ()) -> Topology:
    """What a cache holds, or a plan ends in."""
    return Topology(
        {space.room_id: space for space in spaces}, {chat.room_id: chat for chat in chats}
    )


class Site:
    """Every room there is; `away` are those that the bot is not in, `refusing` those it may not
    join."""

    def __init__(self) -> None:
        self.state: dict[RoomID, dict[tuple[str, str], Any]] = {}
        self.away: set[RoomID] = set()
        self.refusing: set[RoomID] = set()

    def __repr__(self) -> str:
        """One line an event, for whoever reads a counterexample."""
        lines = [
            f"{room_id}{' (away)' if room_id in self.away else ''} {kind} {key!r} by "
            f"{sent['sender']} at {sent['origin_server_ts']}: {sent['content']}"
            for room_id, events in self.state.items()
            for (kind, key), sent in events.items()
        ]
        return "\n".join(["", *lines, ""])

    def copy(self) -> Site:
        return copy.deepcopy(self)

    def send(self, room_id: RoomID, sent: dict[str, Any]) -> None:
        self.state.setdefault(room_id, {})[sent["type"], sent["state_key"]] = sent

    def erase(self, room_id: RoomID, event_type: str, state_key: str = "") -> None:
        self.state[room_id].pop((event_type, state_key), None)

    def content(self, room_id: RoomID, event_type: str, state_key: str = "") -> Any:
        return self.state[room_id][event_type, state_key]["content"]

    def make_room(self, room_id: RoomID, creator: UserID = BOT, at: int = 10) -> None:
        self.send(room_id, event("m.room.create", {}, sender=creator, at=at))

    def make_space(self, room_id: RoomID = SPACE, owner: UserID = ALICE, at: int = 1) -> None:
        self.send(room_id, event("m.room.create", {"type": "m.space"}, at=at))
        self.send(room_id, event(MARKER_TYPE, Marker(owner).content(IDENTITY.instance)))

    def make_chat(self, room_id: RoomID, binding: Binding, at: int = 10) -> None:
        """A chat as createRoom leaves it: bound, its owner in it, not yet linked."""
        owner = binding.matrix_user_id
        self.make_room(room_id, at=at)
        self.send(room_id, event(BINDING_TYPE, binding.content(IDENTITY.instance)))
        self.send(room_id, event(PARENT_TYPE, parent_content(BOT, owner), binding.space_id))
        self.send(room_id, event("m.room.member", {"membership": "join"}, owner, owner))

    def link_chat(self, room_id: RoomID, binding: Binding) -> None:
        content = child_content(binding, IDENTITY)
        self.send(binding.space_id, event(CHILD_TYPE, content, room_id))

    def link_bare(
        self, room_id: RoomID, space_id: RoomID = SPACE, sender: UserID = BOT, **content: Any
    ) -> None:
        self.send(space_id, event(CHILD_TYPE, {"via": ["one.test"], **content}, room_id, sender))

    def apply(self, writes: Iterable[Write]) -> None:
        """Send what a plan wants sent; a homeserver takes it only from a member."""
        for write in writes:
            assert write.room_id not in self.away, f"{write} goes to a room the bot is not in"
            content = copy.deepcopy(dict(write.content))
            self.send(write.room_id, event(write.event_type, content, write.state_key))

    def join(self, snapshot: Snapshot, room_id: RoomID) -> Snapshot:
        """Join a room that was made to take over from one of ours; it must be there."""
        if room_id not in self.state or room_id in self.refusing:
            return attr.evolve(snapshot, refused_join=snapshot.refused_join | {room_id})
        self.away.discard(room_id)
        return attr.evolve(snapshot, joined=snapshot.joined | {room_id})

    @property
    def joined(self) -> frozenset[RoomID]:
        return frozenset(self.state.keys() - self.away)

    def read(
        self, snapshot: Snapshot, room_ids: Iterable[RoomID], failing: Collection[RoomID]
    ) -> Snapshot:
        rooms, unread = dict(snapshot.rooms), set(snapshot.unread)
        refused = frozenset(room_ids) - self.joined - frozenset(failing)
        for room_id in frozenset(room_ids) - refused:
            events = self.state.get(room_id, {}).values()
            room = None if room_id in failing else decode_room(room_id, events, IDENTITY)
            if room is None:
                unread.add(room_id)
            else:
                rooms[room_id] = room
        return attr.evolve(
            snapshot,
            rooms=rooms,
            unread=frozenset(unread),
            refused_read=snapshot.refused_read | refused,
        )


@attr.frozen
class Conditions:
    """How a site is read: which reads fail, whether each chat's own state is read, and which
    rooms are remembered as foreign."""

    failing: frozenset[RoomID] = frozenset()
    full: bool = False
    foreign: frozenset[RoomID] = frozenset()


NO_FAILURES = Conditions()
FULL = Conditions(full=True)


def failing(*room_ids: RoomID) -> Conditions:
    return Conditions(frozenset(room_ids))


def reconcile(
    site: Site, cached: Topology = NOTHING, conditions: Conditions = NO_FAILURES
) -> Plan:
    """Read, join and plan until the plan asks for nothing more; no state is sent."""
    snapshot = Snapshot(
        BOT,
        site.joined,
        {},
        foreign=conditions.foreign & site.joined,
        full=conditions.full,
    )
    snapshot = site.read(snapshot, site.joined & cached.spaces.keys(), conditions.failing)
    for _ in range(MAX_ROUNDS):
        plan = make_plan(snapshot, cached, RULES)
        if not plan.to_read and not plan.to_join:
            return plan
        for room_id in plan.to_join:
            snapshot = site.join(snapshot, room_id)
        snapshot = site.read(snapshot, plan.to_read, conditions.failing)
    raise AssertionError("the plan never stops asking for reads")


def live(plan: Plan) -> dict[RoomID, Binding]:
    """The chats that messages are routed to."""
    chats = plan.topology.chats.values()
    return {chat.room_id: chat.binding for chat in chats if chat.status is Status.LIVE}


def alices_space(*numbers: int) -> Site:
    """Alice's Space with chats in it, all in order; the first is CHAT, the second OTHER."""
    site = Site()
    site.make_space()
    for at, (room_id, number) in enumerate(zip((CHAT, OTHER), numbers, strict=False)):
        site.make_chat(room_id, bind(number), at=10 + at)
        site.link_chat(room_id, bind(number))
    return site


# What the cache holds of alices_space(1, 2).
KNOWN = topology([Space(SPACE, ALICE, 1)], [Chat.bound(CHAT, bind(1)), Chat.bound(OTHER, bind(2))])


def without_incomplete(cached: Topology, site: Site) -> Topology:
    """A cache that knows nothing of the chats whose bindings lack a part: it completes them."""
    kept = {}
    for room_id, chat in cached.chats.items():
        if room_id in site.away:
            # Its mirror alone tells what it was, and may lack a part.
            continue
        room = decode_room(room_id, site.state.get(room_id, {}).values(), IDENTITY)
        if room is None or room.binding is not None or room.superseded_by is not None:
            kept[room_id] = chat
    return attr.evolve(cached, chats=kept)


def in_any_order(plan: Plan) -> Plan:
    """A plan without the order of its report, which nobody relies on."""
    return attr.evolve(plan, problems=tuple(sorted(plan.problems, key=repr)))


def assert_second_run_writes_nothing(site: Site, cached: Topology, conditions: Conditions) -> None:
    """What a plan writes leaves nothing for the next one to do."""
    first = reconcile(site, cached, conditions)
    site.apply(first.writes)

    second = reconcile(site, first.topology, conditions)

    assert second.writes == ()
    assert second.topology == first.topology
