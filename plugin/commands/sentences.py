"""What people read of the commands, in one place.

Text in Markdown, with `str.format` placeholders. docs/sentences.md lists it; say "assistant",
never "platform": that is the operator's word.
"""

# What is no command
DID_YOU_MEAN = "Did you mean `!{name}`?"
UNKNOWN = "I don't know `!{name}`. `!help` lists what I can do."

# Any command
NOT_NOW = "The Matrix server doesn't answer just now. Please ask me again shortly."

# !help
HELP = "Write anything in a chat and I answer. These commands do more:"
HELP_NEW = "start a new chat"
HELP_CHATS = "list your chats"
HELP_RENAME = "give a chat another name"
HELP_ARCHIVE = "take a chat out of your Space"
HELP_RESTORE = "bring an archived chat back"
HELP_RETRY = "ask again what got no answer"
HELP_AGAIN = "ask your last question again; the new answer replaces the old one"
HELP_STOP = "end the answer being written, and keep what came of it"
HELP_CANCEL = "stop the answer being written and drop what waits"
HELP_SPACE = "show you the way to your Space"
HELP_STATUS = "your chats and whether all is well"
HELP_ADMIN = "for administrators"
HELP_HELP = "this list"

# !new
CHAT_READY = "**{chat}** (`{handle}`) is ready."
ROOMS_LIMITED = (
    "The homeserver lets me make only so many rooms at a time. "
    "Yours will take about {minutes}; I keep trying."
)

# !chats
YOUR_CHATS = "Your chats:"
NO_CHATS = "You have no chats yet. `!new` starts one."
CHAT_LINE = "- `{handle}` {chat}"
ARCHIVED_CHAT_LINE = "- `{handle}` {chat} (archived)"

# Which chat is meant
USAGE = "Which chat? {usage}."
SEVERAL_CHATS = (
    "Several of your chats are called **{title}**: {handles}. Please name one by its handle."
)
NO_CHAT_CALLED = "You have no chat called **{title}**. `!chats` lists the ones you have."
NAMES_UNREAD = (
    "I can't read the names of {handles} just now. Please say which chat you mean by its handle."
)
NO_SUCH_CHAT = "You have no chat `C{number}`. `!chats` lists the ones you have."

# !rename
RENAME_USAGE = "`!rename <chat> <title>`, for example `!rename C2 Holiday plans`"
NO_TITLE = "What should it be called? `!rename <title>`"
TITLE_TOO_LONG = "That name is too long; at most {limit} characters."
RENAMED = "`{handle}` is now called **{title}**."

# !archive
ARCHIVE_USAGE = "`!archive` in a chat, or `!archive <chat>`, for example `!archive C2`"
IS_ARCHIVED = "`{handle}` is already archived."
ARCHIVED = (
    "`{handle}` is archived: it is kept, and I no longer answer in it. `!restore {handle}` "
    "brings it back."
)

# !restore
RESTORE_USAGE = "`!restore <chat>`, for example `!restore C2`; `!chats` lists them"
NOT_IN_ROOM = "I am no longer in the room of `{handle}`, so I can't bring it back."
RESTORED = "**{chat}** (`{handle}`) is back in your Space."
RESTORED_AND_INVITED = (
    "**{chat}** (`{handle}`) is back in your Space. I've invited you to it again."
)

# !space
YOUR_SPACE = "your Space"
INVITED_TO_SPACE = "I've invited you to **{space}** again."
IN_SPACE = "Your chats are in **{space}**."

# !retry, !again, !stop and !cancel
ONE_MESSAGE = "1 message"
MESSAGES = "{count} messages"
TAKEN_UP = "I'm asking again: {messages}."
NOTHING_SET_ASIDE = "There's no unanswered message here."
GIVEN_UP = "Stopped. {messages} won't be answered."
GIVEN_UP_UNREAD = "Older messages here are still being read; none of them will be answered."
NOTHING_ASKED = "There's no question here to ask again."
STOPPED = "Stopped."
NOTHING_WAITS = "There's nothing to stop here."

# !status
YOU_HAVE = "You have {chats} ({archived} archived)."
ONE_CHAT = "1 chat"
CHATS = "{count} chats"
NONE_ARCHIVED = "none"
ALL_WELL = "Everything is working."
UNANSWERED = "Messages without an answer: {count}. `!retry` in their chat asks again."
CHATS_LOST = "Lost chats: {lost}. I am no longer in their rooms."
NOT_CHECKED = "Chats that I can't read just now: {stale}. I keep trying."
NO_ASSISTANT = "The assistant of {handles} is not available just now."

# !status, for administrators
NOT_READ = "{stale} chats are stale, {unread} rooms could not be read; I keep trying."
LAST_LOOK = "I last looked at Matrix {ago} s ago, which took {seconds:.1f} s."
NO_LOOK = "Nothing had to be looked at in Matrix since my last start."
PLATFORMS = "Platforms: {platforms}; new chats use `{default}`."
NO_PLATFORMS = "none"
PROBLEMS = (
    "The configuration has mistakes. What is wrong keeps its last good value, or has its default:"
)

# !admin
ADMIN_USAGE = "Usage: `!admin status` or `!admin reconcile [--dry-run] [@user:server]`."
ADMINS_ONLY = "Only this bot's administrators can use `!admin`."
NOTHING_TO_DO = "All is in order; nothing to change."
WOULD_DO = "A reconciliation would {plan}."
WAS_DONE = (
    "The plan was to {plan}.  \nDone in {seconds:.1f} s: {writes} events written, {failed} failed."
)
ROOMS_UNREAD = "Rooms that I couldn't read: {count}. I keep trying, and change nothing there."
ADOPT = "adopt {count}"
RELINK = "relink {count}"
BACKFILL = "backfill {count}"
SUPERSEDE = "supersede {count}"
FOLLOW = "follow {count}"
REPAIR = "repair marks"
CHANGE_NOTHING = "change nothing"
PLAN = "{actions} ({events} events)"
KNOWN = "{spaces} Spaces, {chats} chats, {stale} stale, {unread} rooms unread."
NO_RUN = "No reconciliation was needed since the start."
LAST_RUN = (
    "Last reconciliation: run {run} ({reason}), {seconds:.2f} s, "
    "{writes} writes, {failed} failed; {found}."
)
REQUESTS = "Requests since the start: {sent}; 429 answers: {limited}."
NO_REQUESTS = "none"
PLATFORM_FAILS = "Platform `{name}` gave no answer the last time: {reason}."
STALE_OR_UNREAD = "Stale or unread: `{room_id}`"
MORE_ROOMS = "and {count} more"


def taken_up(count: int) -> str:
    """What `!retry` came to."""
    return TAKEN_UP.format(messages=_messages(count)) if count else NOTHING_SET_ASIDE


def given_up(count: int, more: bool) -> str:
    """What `!cancel` came to; there may be more, which are still being read."""
    parts = [GIVEN_UP.format(messages=_messages(count))] if count else []
    parts += [GIVEN_UP_UNREAD] if more else []
    return " ".join(parts) or NOTHING_WAITS


def stopped(is_stopped: bool) -> str:
    """What `!stop` came to."""
    return STOPPED if is_stopped else NOTHING_WAITS


def _messages(count: int) -> str:
    return ONE_MESSAGE if count == 1 else MESSAGES.format(count=count)
