"""Puts one run of the plugin together: who is handed what, in this one place.

Everything is made from the bottom up, so nothing knows what stands above it, nor learns of it
later. Nothing here does any work.
"""

from __future__ import annotations

from ..cache.erasure import Erasure
from ..cache.inbox import Inbox
from ..cache.topology_store import Store
from ..cache.transactions import FencedDatabase
from ..commands.admin import Administration
from ..commands.chats import ChatCommands
from ..commands.dispatch import Commands
from ..commands.on_the_way import MessageCommands
from ..config.active import CurrentConfig
from ..config.timing import Limits, Timing
from ..delivery.amend import Amend
from ..delivery.answer import Responder
from ..delivery.askings import Askings
from ..delivery.edits import Edits
from ..delivery.error_boundary import ErrorBoundary
from ..delivery.history import History
from ..delivery.inbound import Inbound
from ..delivery.last_question import LastQuestions
from ..delivery.live_answer import LiveAnswers
from ..delivery.notices import Notices
from ..delivery.pending import PendingMessages
from ..delivery.platform_retry import PlatformCalls
from ..delivery.room_queues import RoomQueues
from ..delivery.set_aside import SetAside
from ..delivery.stopping import Stopping
from ..delivery.typing_notice import TypingNotice
from ..delivery.unfinished import Unfinished
from ..handlers.control_room import ControlRoom
from ..handlers.encrypted import EncryptedMessages
from ..handlers.invitation_queue import InvitationQueue
from ..handlers.invitations import Invitations
from ..handlers.messages import Messages
from ..handlers.reactions import Reactions
from ..handlers.space_events import SpaceEvents
from ..matrix.client import connect
from ..reconciler.apply import Applier
from ..reconciler.everywhere import Everywhere
from ..reconciler.known_rooms import KnownRooms
from ..reconciler.loop import Reconciler
from ..reconciler.observe import Observer
from ..reconciler.run import Runner
from ..spaces.edit import ChatEdits
from ..spaces.provision import Provisioning
from ..spaces.room_creator import RoomCreator
from ..spaces.room_retry import OwnerLock
from ..spaces.room_turns import RoomTurns
from ..spaces.unread_rooms import UnreadRooms
from ..topology.current_routes import CurrentRoutes
from ..topology.model import Identity
from .catch_up import CatchUp
from .host import Host
from .resume import Resume
from .room_readings import RoomReadings
from .services import Services
from .shared_account import SharedAccount


def compose(host: Host, config: CurrentConfig, timing: Timing, limits: Limits) -> Services:
    """Make everything that one run of the plugin consists of.

    Args:
        host: what maubot gives the instance.
        config: the configuration in force.
        timing: how long is waited for what.
        limits: how much is taken on.
    """
    identity = Identity(host.client.mxid, host.instance)
    matrix = connect(host.client, identity, timing.requests, timing.straggler)
    database = FencedDatabase(host.database, host.log, host.step_down)
    store, inbox, routes = Store(database), Inbox(database), CurrentRoutes()
    account = SharedAccount(host.client, host.instance, config, routes, host.served)

    observer = Observer(matrix, config, timing.doubt)
    applier = Applier(matrix.writer, routes, timing, host.log)
    known_rooms = KnownRooms(matrix.reader, routes, host.log)
    everywhere = Everywhere(known_rooms, timing.doubt, limits.chats_in_a_part)
    reconciler = Reconciler(Runner(observer, applier, everywhere, store), timing, limits)

    turns = RoomTurns(timing, limits, host.log)
    owner_lock = OwnerLock(reconciler, turns, timing.requests.backoff)
    creator = RoomCreator(matrix, reconciler, turns, config)
    unread_rooms = UnreadRooms(matrix.lookups, reconciler)
    provisioning = Provisioning(reconciler, owner_lock, creator, unread_rooms)

    queues = RoomQueues(timing.stop)
    boundary = ErrorBoundary(matrix.sender, host.log)
    notices = Notices(queues, boundary)
    pending = PendingMessages(inbox, SetAside(config, limits.set_aside), limits.waiting)
    unfinished = Unfinished(matrix.answers, pending, timing.backoff, host.log)
    amend = Amend(pending, matrix.timeline, queues, unfinished)
    askings = Askings(timing.streaming.whole_within)
    stopping = Stopping(pending, askings)

    chats = ChatCommands(ChatEdits(provisioning), config)
    calls = PlatformCalls(config, timing, limits)
    commands = Commands(
        chats, Administration(reconciler, config, calls), MessageCommands(amend, stopping)
    )
    inbound = Inbound(amend, Edits(pending, askings, notices, commands.is_command), notices)
    history = History(matrix.timeline, notices)
    questions = LastQuestions(matrix.timeline, pending)
    live = LiveAnswers(matrix.answers, config, timing.streaming)
    typing = TypingNotice(matrix.sender, timing)
    responder = Responder(
        calls=calls,
        askings=askings,
        questions=questions,
        history=history,
        inbox=inbox,
        answers=matrix.answers,
        live=live,
        unfinished=unfinished,
        typing=typing,
        notices=notices,
    )

    control_room = ControlRoom(provisioning, commands, account.answers)
    invitation_queue = InvitationQueue(queues, boundary, timing.backoff)
    invitations = Invitations(control_room, invitation_queue)
    messages = Messages(control_room, responder, inbound, timing)
    encrypted = EncryptedMessages(messages, timing)
    resume = Resume(messages, encrypted, matrix.timeline, config)
    readings = RoomReadings(resume, timing.backoff, host.log)
    catch_up = CatchUp(readings, invitations, reconciler)
    return Services(
        timing=timing,
        matrix=matrix,
        store=store,
        inbox=inbox,
        erasure=Erasure(database, timing.erase),
        routes=routes,
        account=account,
        reconciler=reconciler,
        provisioning=provisioning,
        queues=queues,
        pending=pending,
        inbound=inbound,
        invitations=invitations,
        messages=messages,
        catch_up=catch_up,
        handlers=(
            SpaceEvents(reconciler),
            invitations,
            messages,
            encrypted,
            Reactions(messages, stopping),
            catch_up,
        ),
    )
