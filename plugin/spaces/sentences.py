"""What people read of their Spaces and chats being made and changed, in one place.

Text in Markdown, with `str.format` placeholders. docs/sentences.md lists it; say "assistant",
never "platform": that is the operator's word.
"""

HOMESERVER_SILENT = (
    "The homeserver does not answer just now. Nothing is lost; please try again shortly."
)
HOMESERVER_REFUSED = "The homeserver refused: {error}"
NO_ROOMS = "You may not use me any more, so I make no rooms for you."
TOO_MANY_CHATS = (
    "I am still making {limit} chats for you. Please ask for another one when they are there."
)
CANNOT_INVITE = "The homeserver does not let me invite you there."
INVITE_LATER = (
    "The homeserver lets me invite you only so often. I can do it again in about {minutes}; "
    "please ask me again then."
)
ONE_MINUTE = "1 minute"
MINUTES = "{count} minutes"
CLOSED = (
    "The room of `{handle}` was closed for good, so I cannot bring it back. "
    "`!new` starts another chat."
)
REPLACED = (
    "The room of `{handle}` was replaced by another one that I am not in, so I cannot bring it "
    "back. Invite me there and write to me: the chat goes on in that room."
)


def minutes(seconds: float) -> str:
    """A wait in words, as far as anybody can foresee it."""
    count = max(1, round(seconds / 60))
    return ONE_MINUTE if count == 1 else MINUTES.format(count=count)
