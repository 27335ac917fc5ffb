"""What must be written when something changes, and the digest by which an edit by hand shows."""

from __future__ import annotations

import attr
import pytest
from mautrix.types import RoomID, UserID

from plugin.cache.diff import Contents, Update, plan_update
from plugin.topology.model import Binding, Chat, Space, Status, Topology

ALICE, BOB = UserID("@alice:one.test"), UserID("@bob:one.test")
SPACE = Space(RoomID("!space:one.test"), ALICE, 5)
CHAT = Chat.bound(
    RoomID("!chat:one.test"), Binding("C1", SPACE.room_id, ALICE, "echo", "conversation")
)
OTHER = Chat.bound(
    RoomID("!other:one.test"), Binding("C2", SPACE.room_id, ALICE, "echo", "another")
)


BOBS = Chat.bound(RoomID("!bobs"), Binding("C1", SPACE.room_id, BOB, "echo", "his"))
EVERYBODY = frozenset({ALICE, BOB})


def of(*chats: Chat) -> Topology:
    return Topology({SPACE.room_id: SPACE}, {chat.room_id: chat for chat in chats})


def written(
    topology: Topology, held: Contents | None = None, owners: frozenset[UserID] = EVERYBODY
) -> Contents:
    """What the tables hold after that was written."""
    held = held or Contents()
    held.take(plan_update(held, owners, topology, {}))
    return held


def same(one: Contents, other: Contents) -> bool:
    return (one.routes.topology(), one.digest) == (other.routes.topology(), other.digest)


def rows_of(update: Update) -> dict[str, list[str]]:
    """Which rows an update removes from which table, and puts there."""
    return {
        " ".join(one.sql.split()[:3]): [row[0] for row in one.rows]
        for one in update.statements
        if one.rows
    }


@pytest.mark.parametrize(
    "changed",
    [
        of(),
        of(CHAT),
        of(CHAT, Chat.bound(OTHER.room_id, OTHER.binding, Status.ARCHIVED)),
        of(CHAT, Chat.bound(RoomID("!third"), OTHER.binding)),
        Topology({}, of(CHAT, OTHER).chats),
        attr.evolve(of(CHAT, OTHER), spaces={SPACE.room_id: Space(SPACE.room_id, ALICE, 4)}),
    ],
    ids=["emptied", "removed", "changed", "moved", "no Space", "older Space"],
)
def test_whatever_is_changed_changes_the_digest(changed: Topology) -> None:
    assert written(changed).digest != written(of(CHAT, OTHER)).digest


def test_the_order_of_rows_does_not() -> None:
    assert written(of(OTHER, CHAT)).digest == written(of(CHAT, OTHER)).digest


def test_two_chats_that_exchange_a_value_do() -> None:
    one = CHAT._replace(platform_chat_id="another")
    other = OTHER._replace(platform_chat_id="conversation")

    assert written(of(one, other)).digest != written(of(CHAT, OTHER)).digest


def test_the_same_differs_in_nothing() -> None:
    held = written(of(CHAT, OTHER))

    assert not plan_update(held, frozenset({ALICE}), of(OTHER, CHAT), {})


def test_being_stale_is_nothing_to_write_down() -> None:
    held = written(of(CHAT))

    stale = Chat.bound(CHAT.room_id, CHAT.binding, stale=True)
    assert not plan_update(held, frozenset({ALICE}), of(stale), {})


def test_what_differs_is_written_and_nothing_else() -> None:
    held = written(of(CHAT, OTHER))
    archived = Chat.bound(CHAT.room_id, CHAT.binding, Status.ARCHIVED)

    update = plan_update(held, frozenset({ALICE}), Topology({}, {CHAT.room_id: archived}), {})

    assert rows_of(update) == {
        "DELETE FROM space": [SPACE.room_id],
        "DELETE FROM chat": [OTHER.room_id],
        "INSERT INTO chat": [CHAT.room_id],
    }


def test_others_rows_stay_as_they_are() -> None:
    held = written(of(CHAT, BOBS))

    written(Topology({}, {}), held, frozenset({ALICE}))

    assert same(held, written(Topology({}, {BOBS.room_id: BOBS})))


def test_step_by_step_the_tables_hold_what_they_would_hold_at_once() -> None:
    held = written(of(OTHER, BOBS), written(of(CHAT)))

    assert same(held, written(of(OTHER, BOBS)))
    assert same(written(Topology(), held), Contents())


def test_a_new_space_keeps_when_its_owners_chats_were_verified() -> None:
    update = plan_update(Contents(), frozenset({ALICE}), of(), {ALICE: 7})

    rows = [one.rows for one in update.statements if one.rows]
    assert rows == [[(SPACE.room_id, ALICE, 5, 7, 0)]]
