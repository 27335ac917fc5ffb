"""What people read of what becomes of their messages, in one place.

Text in Markdown, with `str.format` placeholders. docs/sentences.md lists it; say "assistant",
never "platform": that is the operator's word.
"""

# What waits
QUEUE_IS_FULL = (
    "{limit} of your messages are waiting for an answer. I set aside what you write until "
    "they are answered; `!retry` asks it then. I keep the last {most} of them for "
    "{hours:.0f} hours."
)
ONE_TOO_OLD = (
    "1 message came while I was away, too long ago to answer it unasked. `!retry` answers "
    "it, `!cancel` drops it. I keep it for {hours:.0f} hours."
)
TOO_OLD = (
    "{count} messages came while I was away, too long ago to answer them unasked. `!retry` "
    "answers them, `!cancel` drops them. I keep them for {hours:.0f} hours."
)

# What is edited
EDIT_IS_NO_COMMAND = (
    "An edit gives me no command, so your message counts as you wrote it first. Please send the "
    "command as a message of its own."
)

# What has no answer
WHAT_TO_DO = "`!retry` asks again, `!cancel` drops it."
ASKED_AGAIN_LATER = "{sentence} Then I ask again by myself; `!cancel` drops it."
CUT_OFF = (
    "My answer to this ends too early: I was interrupted while I sent it. Ask me to go on, "
    "and I will."
)
BREAKS_OFF = "*(The answer breaks off here.)*"
IS_STOPPED = "*(Stopped.)*"
ASKED_AGAIN = "*(Asked again.)*"
NOTHING_CAME = "Stopped before there was an answer."
ANSWER_TOO_LONG = (
    "(I stop here: the answer is longer than what I can send. Ask me to go on, and I will.)"
)
HOMESERVER_SILENT = "The Matrix server doesn't answer just now. Please try again shortly."
HOMESERVER_REFUSED = "The Matrix server refused: {error}"
BROKEN = "Something went wrong on my side. Your administrator finds it under `{reference}`."

# What was said before
LEFT_OUT = (
    "This chat has grown long, so the assistant no longer sees all of it. "
    "It sees the newest part, and very long messages shortened. "
    "`!new` starts a fresh chat."
)
LEFT_OUT_HERE = "\n\n[{count} characters left out here]\n\n"
