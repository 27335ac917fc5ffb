"""Which edits of messages count, and what they make of them.

An edit that makes a command of a question counts nowhere: a command is sent, as a message of its
own. What a command is, is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import attr

from ..message import IncomingMessage

IsCommand = Callable[[str], bool]


def makes_command(
    edit: IncomingMessage, message: IncomingMessage | None, is_command: IsCommand
) -> bool:
    """Whether an edit would make a command of what is none: such a one does not count.

    Args:
        edit: the edit.
        message: what is edited; None if nobody knows it any more.
        is_command: whether a text is a command.
    """
    return is_command(edit.body) and (message is None or not is_command(message.body))


def counting(
    messages: Iterable[IncomingMessage],
    is_command: IsCommand,
    known: Iterable[IncomingMessage] = (),
) -> list[IncomingMessage]:
    """The messages among these, and those of their edits that count.

    Args:
        messages: messages and edits.
        is_command: whether a text is a command.
        known: further messages of which there may be edits among them.
    """
    messages = list(messages)
    originals = {one.event_id: one for one in (*known, *messages) if one.replaces is None}
    return [
        one
        for one in messages
        if one.replaces is None or not makes_command(one, originals.get(one.replaces), is_command)
    ]


def apply_edits(messages: Iterable[IncomingMessage]) -> list[IncomingMessage]:
    """The messages among these, each as the last edit of it among them left it.

    Args:
        messages: messages and edits, oldest first.
    """
    messages = list(messages)
    standing = {one.event_id: one for one in messages if one.replaces is None}
    for edit in messages:
        if edit.replaces in standing:
            standing[edit.replaces] = standing[edit.replaces].edited(edit)
    return list(standing.values())


def last_edit(message: IncomingMessage) -> IncomingMessage | None:
    """The last edit that was applied to a message, as one of its own.

    Args:
        message: one as somebody wrote it, or as an edit left it.
    """
    if message.revision is None:
        return None
    return attr.evolve(
        message,
        event_id=message.revision,
        sent_at=message.edited_at,
        replaces=message.event_id,
        revision=None,
        edited_at=0,
    )
