"""The gates of rooms: what waits before them, in which order, and how much of it."""

from __future__ import annotations

import attr
from mautrix.types import EventID, RoomID, UserID

from plugin.delivery.gates import Action, Gates, Redaction
from plugin.message import IncomingMessage

ROOM, OTHER = RoomID("!room:test"), RoomID("!other:test")
ALICE, BOB = UserID("@alice:test"), UserID("@bob:test")


def message(name: str, room_id: RoomID = ROOM, sender: UserID = ALICE) -> IncomingMessage:
    return IncomingMessage(EventID(f"${name}"), room_id, sender, "m.text", name, 0)


def edit(one: IncomingMessage, text: str, sender: UserID = ALICE) -> IncomingMessage:
    event_id = EventID(f"{one.event_id}-{text}")
    return attr.evolve(one, event_id=event_id, body=text, sender=sender, replaces=one.event_id)


def is_command(text: str) -> bool:
    return text.startswith("!")


def bodies(actions: list[Action]) -> list[str]:
    return [one.body for one in actions if isinstance(one, IncomingMessage)]


def test_what_waits_comes_in_its_order_when_the_gate_opens() -> None:
    gates = Gates(10, is_command)
    gates.close(ROOM)
    for name in ("one", "two", "three"):
        assert gates.hold(message(name))

    assert (gates.closed[ROOM], gates.closed[OTHER]) == (1, 0)
    assert bodies(gates.open(ROOM)) == ["one", "two", "three"]
    assert gates.closed[ROOM] == 0
    assert not gates.anything_waits


def test_a_gate_that_was_closed_twice_is_opened_twice() -> None:
    gates = Gates(10, is_command)
    gates.close(ROOM)
    gates.close_all()
    gates.hold(message("one"))
    gates.hold(message("elsewhere", OTHER))

    assert {room: bodies(held) for room, held in gates.open_all().items()} == {
        ROOM: [],
        OTHER: ["elsewhere"],
    }
    assert bodies(gates.open(ROOM)) == ["one"]


def test_only_so_much_waits_before_one_gate_and_others_have_places_of_their_own() -> None:
    gates = Gates(2, is_command)
    gates.close_all()

    assert [gates.hold(message(f"{number}")) for number in range(4)] == [True, True, False, False]
    assert not gates.hold(Redaction(ROOM, EventID("$elsewhere")))
    assert gates.hold(message("elsewhere", OTHER))


def test_an_edit_of_what_waits_takes_no_place() -> None:
    gates = Gates(1, is_command)
    gates.close(ROOM)
    one = message("one")
    gates.hold(one)

    for number in range(5):
        assert gates.hold(edit(one, f"edited {number}"))
    assert gates.hold(edit(one, "forged", BOB))

    assert bodies(gates.open(ROOM)) == ["edited 4"]


def test_an_edit_into_a_command_changes_nothing_that_waits_and_one_of_a_command_does() -> None:
    gates = Gates(3, is_command)
    gates.close(ROOM)
    question, command = message("one"), message("!rename One")
    for one in (question, command, edit(question, "!stop"), edit(command, "!rename Two")):
        assert gates.hold(one)

    assert bodies(gates.open(ROOM)) == ["one", "!rename Two", "!stop"]


def test_what_is_taken_back_waits_no_longer() -> None:
    gates = Gates(1, is_command)
    gates.close(ROOM)
    gates.hold(message("one"))

    assert gates.hold(Redaction(ROOM, EventID("$one")))
    assert gates.hold(message("two"))

    assert bodies(gates.open(ROOM)) == ["two"]
