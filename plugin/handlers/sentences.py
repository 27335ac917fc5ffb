"""What people read of invitations, the control room and chats that do not answer, in one place.

Text in Markdown, with `str.format` placeholders. docs/sentences.md lists it; say "assistant",
never "platform": that is the operator's word.
"""

# Invitations
NOT_SERVED = (
    "Thank you for the invitation! I am not set up to serve your account. "
    "The people who run this bot can change that."
)
WELCOME = (
    "Welcome! Your chats live in a Space of your own: {space}. "
    "Accept the invitations and write in {chat}; "
    "`!new` starts another, `!help` shows what else I can do."
)
PREPARING = (
    "Hello! I am preparing your Space; many people are arriving, so it takes about {minutes}."
)
STILL_PREPARING = (
    "I am preparing your Space; many people are arriving, so it takes about {minutes}. "
    "What you wrote is answered then."
)
WELCOME_WITHOUT_CHAT = (
    "Welcome! Your chats live in a Space of your own: {space}. "
    "`!new` starts a chat, `!help` shows what else I can do."
)
WELCOME_ENCRYPTED = (
    "Welcome! I've made a private Space for you: {space}. "
    "This direct chat is encrypted, and I can't read it. "
    "Please accept the invitations and write in {chat}; "
    "commands such as `!new` work there, too."
)
UNREADABLE = "This direct chat is encrypted, and I can't read it: commands work in your chats."
FIRST_CHAT = "the first one"

# The control room, groups and unknown rooms
NOT_HERE = "Your chats are in {space}. I answer there, not here."
IN_GROUP = (
    "I talk with people one at a time, not in groups. "
    "Start a direct chat with me, and you get chats of your own."
)
YOUR_SPACE = "your Space"
UNREAD = "I could not look at this room yet. Please write again in a minute; nothing is lost."

# Chats
NOT_PERMITTED = "You may not use me any more, so nobody answers here. Your chats are kept."
ENCRYPTED_CHAT = (
    "This room is encrypted, and I was not given the means to read it: nobody answers here. "
    "Your administrator can set up encryption in maubot; `!new` elsewhere starts an open chat."
)
ENCRYPTED_CONTROL_ROOM = (
    "This room is encrypted, and I was not given the means to read it: commands do not work here. "
    "They do in every chat of yours."
)
NOT_DECRYPTED = (
    "I could not read what you wrote: the key to it did not reach me. Please send it again. "
    "If that does not help, let your app send keys to unverified devices, too."
)
TEXT_ONLY = "I can read text only; this message did not reach the platform."
CHAT_IS_ARCHIVED = (
    "This chat is archived, so nobody answers here. `!restore {handle}` brings it back."
)
