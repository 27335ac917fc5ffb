"""Random sites for the property tests: everything that was ever seen in a room, mixed.

Most of what is drawn is in order, so that what is not stands among chats that must keep working.
Names, numbers, ages and conversations come from small pools: they collide often. The bot's own
mirrors are drawn only where the bot could have left them.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from mautrix.types import RoomID

from plugin.topology.contents import backfilled_id, child_content, moved_content, parent_content
from plugin.topology.model import (
    BINDING_TYPE,
    CHILD_TYPE,
    MARKER_TYPE,
    PARENT_TYPE,
    Binding,
    Chat,
    Marker,
    Space,
    Status,
    Topology,
)

from .snapshots import ALICE, BOB, BOT, IDENTITY, MALLORY, Conditions, Site, event, topology

# The second of each kind is a room id of version 12, without a server.
SPACES = [RoomID("!s-one:one.test"), RoomID("!s-two"), RoomID("!s-a:one.test")]
CHATS = [RoomID(f"!{name}") for name in ("c-one:one.test", "c-two", "c-a:one.test", "b", "z")]
LOST_SPACE = RoomID("!s-lost:one.test")
ELSEWHERE = {"v": 2, "instance": IDENTITY.instance, "room_type": "thread"}

owners = st.sampled_from([ALICE, ALICE, BOB])
ages = st.integers(1, 3)
seldom = st.sampled_from([False, False, False, False, True])
mostly = seldom.map(lambda value: not value)
broken = st.sampled_from([None, 7, "text", [], ["a"], {}, {"via": "one.test"}, {"v": "x"}])


@st.composite
def bindings(draw: st.DrawFn, room_id: RoomID) -> Binding:
    conversations = ["p1", "p2", f"p-{room_id}", f"p-{room_id}", backfilled_id(room_id)]
    return Binding(
        f"C{draw(st.integers(1, 4))}",
        draw(st.sampled_from([*SPACES, LOST_SPACE])),
        draw(owners),
        "echo",
        draw(st.sampled_from(conversations)),
    )


@st.composite
def lacking(draw: st.DrawFn, binding: Binding) -> dict[str, Any]:
    """A binding's content in which some parts lack or are garbled."""
    content = binding.content(IDENTITY.instance)
    fields = ["v", "instance", "room_type", *Binding._fields]
    for field in draw(st.lists(st.sampled_from(fields), min_size=1, max_size=6, unique=True)):
        if draw(st.booleans()):
            del content[field]
        else:
            garbled = [None, -7, "", ["C1"]]
            content[field] = draw(st.sampled_from([*garbled, *["x"] * (field != "instance")]))
    return content


@st.composite
def sites(draw: st.DrawFn) -> Site:
    """A site of up to three Spaces and five other rooms."""
    site = Site()
    for room_id in SPACES[: draw(st.integers(0, 3))]:
        _draw_space(draw, site, room_id)
    spaces = list(site.state)
    for room_id in CHATS[: draw(st.integers(0, 5))]:
        _draw_room(draw, site, room_id, spaces)
    for room_id in spaces:
        if draw(seldom):
            site.erase(room_id, MARKER_TYPE)
    return site


def _draw_space(draw: st.DrawFn, site: Site, room_id: RoomID) -> None:
    owner = draw(owners)
    site.make_space(room_id, owner, draw(ages))
    if draw(seldom):
        marker = Marker(owner, draw(st.sampled_from([*SPACES, LOST_SPACE])))
        site.send(room_id, event(MARKER_TYPE, marker.content(IDENTITY.instance)))
    if draw(seldom):
        site.away.add(room_id)


def _draw_room(draw: st.DrawFn, site: Site, room_id: RoomID, spaces: list[RoomID]) -> None:
    kinds = ["bound"] * 5 + ["lacking", "lacking", "legacy", "legacy", "foreign", "garbled"]
    kind = draw(st.sampled_from(kinds))
    binding = draw(bindings(room_id))
    owner = binding.matrix_user_id
    site.make_room(room_id, MALLORY if kind == "foreign" else BOT, draw(ages))
    if kind == "bound":
        site.send(room_id, event(BINDING_TYPE, binding.content(IDENTITY.instance)))
    elif kind == "lacking":
        site.send(room_id, event(BINDING_TYPE, draw(lacking(binding))))
    elif kind == "garbled":
        site.send(room_id, event(BINDING_TYPE, draw(broken)))
    if draw(mostly):
        site.send(room_id, event(PARENT_TYPE, parent_content(BOT, owner), binding.space_id))
    membership = draw(st.sampled_from(["join", "join", "invite", "leave", "ban"]))
    site.send(room_id, event("m.room.member", {"membership": membership}, owner, owner))
    for space_id in spaces:
        linked = draw(st.booleans() if kind != "bound" or space_id == binding.space_id else seldom)
        if linked:
            mirror = binding if draw(mostly) else draw(bindings(room_id))
            whose = site.content(space_id, MARKER_TYPE)["matrix_user_id"]
            possible = kind != "foreign" and mirror.matrix_user_id == whose
            site.send(space_id, draw(links(room_id, mirror if possible else None)))
    if draw(seldom):
        site.away.add(room_id)


@st.composite
def upgraded_sites(draw: st.DrawFn) -> Site:
    """A site in which rooms were closed, with or without a replacement: one that may not exist,
    not name its predecessor, or not let the bot in."""
    site = draw(sites())
    for room_id in sorted(set(CHATS) & site.state.keys()):
        if draw(st.booleans()):
            _draw_upgrade(draw, site, room_id)
    site.refusing = {room_id for room_id in sorted(site.away) if draw(st.booleans())}
    return site


def _draw_upgrade(draw: st.DrawFn, site: Site, room_id: RoomID) -> None:
    other = draw(st.sampled_from([None, LOST_SPACE, *CHATS]))
    content = {"replacement_room": other} if other else {}
    site.send(room_id, event("m.room.tombstone", content))
    if other is None or other not in site.state or draw(seldom):
        return
    site.send(other, event("m.room.create", {"predecessor": {"room_id": room_id}}, at=draw(ages)))
    if draw(seldom):
        # The bot unlinks what was replaced before it says so there.
        for space_id in sorted(set(SPACES) & site.state.keys()):
            if (CHILD_TYPE, room_id) in site.state[space_id]:
                site.send(space_id, event(CHILD_TYPE, {}, room_id))
        site.send(room_id, event(BINDING_TYPE, moved_content(other, IDENTITY)))


@st.composite
def links(draw: st.DrawFn, room_id: RoomID, mirror: Binding | None) -> dict[str, Any]:
    """How a Space may link a room, the bot's mirror inside if the bot would leave one."""
    bare: dict[str, Any] = {"via": ["one.test"], "order": "zz"}
    content = bare if mirror is None else child_content(mirror, IDENTITY)
    removed = {key: value for key, value in content.items() if key != "via"}
    forged = {**bare, BINDING_TYPE: {**content.get(BINDING_TYPE, {}), "platform_chat_id": "p1"}}
    partial = content if mirror is None else {**content, BINDING_TYPE: draw(lacking(mirror))}
    sent = [
        *[event(CHILD_TYPE, content, room_id)] * 5,
        *[event(CHILD_TYPE, partial, room_id)] * 2,
        event(CHILD_TYPE, removed, room_id),
        event(CHILD_TYPE, bare, room_id),
        event(CHILD_TYPE, {}, room_id, ALICE),
        event(CHILD_TYPE, removed, room_id, ALICE),
        event(CHILD_TYPE, forged, room_id, ALICE),
        event(CHILD_TYPE, {**content, "via": "one.test"}, room_id, ALICE),
    ]
    return draw(st.sampled_from(sent))


@st.composite
def later(draw: st.DrawFn, site: Site) -> Site:
    """The site after a while: some of its rooms are as in another one."""
    other, changed = draw(sites()), site.copy()
    for room_id in sorted(other.state):
        if draw(seldom):
            changed.state[room_id] = other.state[room_id]
            changed.away -= {room_id}
            changed.away |= {room_id} & other.away
    return changed


@st.composite
def caches(draw: st.DrawFn) -> Topology:
    """Rows that anyone may have written."""
    chats, spaces = [], []
    for room_id in draw(st.lists(st.sampled_from([*CHATS, *SPACES]), unique=True)):
        status = draw(st.sampled_from(Status))
        chats.append(Chat.bound(room_id, draw(bindings(room_id)), status))
    for room_id in draw(st.lists(st.sampled_from([*CHATS, *SPACES, LOST_SPACE]), unique=True)):
        spaces.append(Space(room_id, draw(owners), draw(ages)))
    return topology(spaces, chats)


@st.composite
def conditions(draw: st.DrawFn) -> Conditions:
    """Reads some of which fail, however often they are tried."""
    rooms = st.frozensets(st.sampled_from([*CHATS, *SPACES]), max_size=4)
    return Conditions(draw(rooms), draw(st.booleans()))


@st.composite
def foreign_events(draw: st.DrawFn, site: Site) -> list[tuple[RoomID, dict[str, Any]]]:
    """Events that neither the bot sent nor an owner about their own chats.

    Power levels keep others from replacing what the bot sent, so nothing that stands is touched;
    and what Alice links is no room of the bot's.
    """
    found: list[tuple[RoomID, dict[str, Any]]] = []
    rooms = sorted(site.state)
    for room_id in draw(st.lists(st.sampled_from(rooms), max_size=4)) if rooms else []:
        sent = draw(st.sampled_from(_foreign(draw(bindings(room_id)))))
        if (sent["type"], sent["state_key"]) not in site.state[room_id]:
            found.append((room_id, sent))
    return found


def _foreign(binding: Binding) -> list[dict[str, Any]]:
    content = binding.content(IDENTITY.instance)
    mirrored = child_content(binding, IDENTITY)
    return [
        event(BINDING_TYPE, content, sender=ALICE),
        event(BINDING_TYPE, content, sender=MALLORY),
        event(BINDING_TYPE, content, "another state key"),
        event(MARKER_TYPE, Marker(ALICE).content(IDENTITY.instance), sender=ALICE),
        event(CHILD_TYPE, mirrored, "!nobody:three.test", ALICE),
        event(CHILD_TYPE, mirrored, "!nobody:three.test", MALLORY),
        event(PARENT_TYPE, {"via": ["three.test"]}, "!nobody:three.test", MALLORY),
        event("m.room.member", {"membership": "leave"}, MALLORY, MALLORY),
        event("m.room.name", {"name": "Mine"}, sender=MALLORY),
        event("m.room.topic", "garbled", sender=MALLORY),
    ]
