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
    "Welcome! I've made a private Space for you: **{space}**. Accept the two invitations "
    "and ask your first question in **{chat}**. More chats: `!new`. Everything else: "
    "`!help`."
)
WELCOME_AGAIN = (
    "Welcome! Your private Space is **{space}**: please accept its invitation if you haven't yet. "
    "Ask me anything in **{chat}**. More chats: `!new`. Everything else: `!help`."
)
PREPARING = (
    "Hello! I am preparing your Space; many people are arriving, so it takes about {minutes}."
)
STILL_PREPARING = (
    "I am preparing your Space; many people are arriving, so it takes about {minutes}. "
    "What you wrote is answered then."
)
WELCOME_WITHOUT_CHAT = (
    "Welcome! Your private Space is **{space}**. Start a chat: `!new`. Everything else: `!help`."
)
WELCOME_ENCRYPTED = (
    "Welcome! I've made a private Space for you: **{space}**. This direct chat is "
    "encrypted, and I can't read it. Please accept the two invitations and write in "
    "**{chat}**; commands such as `!new` work there, too."
)
UNREADABLE = "This direct chat is encrypted, and I can't read it: commands work in your chats."

# The control room, groups and unknown rooms
NOT_HERE = (
    "I answer in **{space}**, not here. Write in **{chat}**, or start another chat with `!new`."
)
NOT_HERE_WITHOUT_CHAT = "I answer in **{space}**, not here. Start a chat with `!new`."
IN_GROUP = (
    "I talk with people one at a time, not in groups. "
    "Start a direct chat with me, and you get chats of your own."
)
YOUR_SPACE = "your Space"
UNREAD = "I couldn't look at this room yet. Please write again in a minute; nothing is lost."

# Chats
NOT_PERMITTED = "You may no longer use this bot, so nobody answers here. Your chats are kept."
ENCRYPTED_CHAT = (
    "This chat is now encrypted, and I can't read encrypted messages, so I can't answer "
    "here any more. `!new` in another chat starts a fresh, unencrypted one."
)
ENCRYPTED_CONTROL_ROOM = (
    "This direct chat is encrypted, and I can't read it. Commands work in every chat of yours."
)
TEXT_ONLY = (
    "I can only read text: pictures, files and voice messages don't reach the assistant. "
    "Please describe in words what you need."
)
NOT_DECRYPTED = (
    "I couldn't read what you wrote: the key to it didn't reach me. Please send it again. "
    "If that doesn't help, let your app send keys to unverified devices, too."
)
CHAT_IS_ARCHIVED = (
    "This chat is archived, so I don't answer here. `!restore {handle}` brings it back."
)
