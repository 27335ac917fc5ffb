"""What people read of their Spaces and chats being made and changed, in one place.

Text in Markdown, with `str.format` placeholders. docs/sentences.md lists it; say "assistant",
never "platform": that is the operator's word.
"""

HOMESERVER_SILENT = (
    "The Matrix server doesn't answer just now. Nothing is lost; please try again shortly."
)
HOMESERVER_REFUSED = "The Matrix server refused: {error}"
NO_ROOMS = "You may no longer use this bot, so I make no rooms for you."
TOO_MANY_CHATS = (
    "I'm still making {limit} chats for you. Please ask for another one when they are there."
)
CHATS_FULL = (
    "You have {limit} chats, archived ones included, which is as many as I keep for one person."
)
CANNOT_INVITE = "The Matrix server doesn't let me invite you there."
INVITE_LATER = (
    "The Matrix server lets me invite you only so often. Please ask me again in about {minutes}."
)
ONE_MINUTE = "1 minute"
MINUTES = "{count} minutes"
CLOSED = (
    "The room of `{handle}` was closed for good, so I can't bring it back. `!new` starts "
    "another chat."
)
REPLACED = (
    "The room of `{handle}` was replaced by another one that I'm not in, so I can't bring "
    "it back. Invite me there and write to me: the chat goes on in that room."
)


def minutes(seconds: float) -> str:
    """A wait in words, as far as anybody can foresee it."""
    count = max(1, round(seconds / 60))
    return ONE_MINUTE if count == 1 else MINUTES.format(count=count)
