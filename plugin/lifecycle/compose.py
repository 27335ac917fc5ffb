"""Puts one run of the plugin together: who is handed what, in this one place.

Everything is made from the bottom up, so nothing knows what stands above it, nor learns of it
later. Nothing here does any work.
"""

from __future__ import annotations

import attr

from ..cache.erasure import Erasure
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
from .catch_up import CatchUp
from .ground import Ground, lay_ground
from .host import Host
from .resume import Resume
from .room_readings import RoomReadings
from .services import Services
from .shared_account import SharedAccount


@attr.frozen
class _Delivery:
    """What has to do with messages on their way."""

    pending: PendingMessages
    notices: Notices
    unfinished: Unfinished
    amend: Amend
    askings: Askings
    stopping: Stopping


def compose(host: Host, config: CurrentConfig, timing: Timing, limits: Limits) -> Services:
    """Make everything that one run of the plugin consists of.

    Args:
        host: what maubot gives the instance.
        config: the configuration in force.
        timing: how long is waited for what.
        limits: how much is taken on.
    """
    ground = lay_ground(host, config, timing, limits)
    account = SharedAccount(host.client, host.instance, config, ground.routes, host.served)
    provisioning = _make_provisioning(ground, _make_reconciler(ground))
    delivery = _make_delivery(ground)
    calls = PlatformCalls(config, timing, limits)
    commands = _make_commands(ground, delivery, provisioning, calls)
    control_room = ControlRoom(provisioning, commands, account.answers)
    responder = _make_responder(ground, delivery, calls)
    inbound = _make_inbound(delivery, commands)
    messages = Messages(control_room, responder, inbound, timing)
    return _make_services(ground, delivery, account, messages)


def _make_reconciler(ground: Ground) -> Reconciler:
    matrix, timing, limits, log = ground.matrix, ground.timing, ground.limits, ground.host.log
    observer = Observer(matrix, ground.config, timing.doubt)
    applier = Applier(matrix.writer, ground.routes, timing, log)
    known_rooms = KnownRooms(matrix.reader, ground.routes, log)
    everywhere = Everywhere(known_rooms, timing.doubt, limits.chats_in_a_part)
    return Reconciler(Runner(observer, applier, everywhere, ground.store), timing, limits)


def _make_provisioning(ground: Ground, reconciler: Reconciler) -> Provisioning:
    turns = RoomTurns(ground.timing, ground.limits, ground.host.log)
    owner_lock = OwnerLock(reconciler, turns, ground.timing.requests.backoff)
    creator = RoomCreator(ground.matrix, reconciler, turns, ground.config)
    unread_rooms = UnreadRooms(ground.matrix.lookups, reconciler)
    return Provisioning(reconciler, owner_lock, creator, unread_rooms)


def _make_delivery(ground: Ground) -> _Delivery:
    matrix, timing, limits, log = ground.matrix, ground.timing, ground.limits, ground.host.log
    queues = RoomQueues(timing.stop)
    notices = Notices(queues, ErrorBoundary(matrix.sender, log))
    aside = SetAside(ground.config, limits.set_aside)
    pending = PendingMessages(ground.inbox, aside, limits.waiting)
    askings = Askings(timing.streaming.whole_within)
    unfinished = Unfinished(matrix.answers, pending, timing.backoff, log)
    return _Delivery(
        pending=pending,
        notices=notices,
        unfinished=unfinished,
        amend=Amend(pending, matrix.timeline, queues, unfinished),
        askings=askings,
        stopping=Stopping(pending, askings),
    )


def _make_commands(
    ground: Ground, delivery: _Delivery, provisioning: Provisioning, calls: PlatformCalls
) -> Commands:
    chats = ChatCommands(ChatEdits(provisioning), ground.config)
    administration = Administration(provisioning.reconciler, ground.config, calls)
    return Commands(chats, administration, MessageCommands(delivery.amend, delivery.stopping))


def _make_responder(ground: Ground, delivery: _Delivery, calls: PlatformCalls) -> Responder:
    matrix = ground.matrix
    return Responder(
        calls=calls,
        askings=delivery.askings,
        questions=LastQuestions(matrix.timeline, delivery.pending),
        history=History(matrix.timeline, delivery.notices),
        inbox=ground.inbox,
        answers=matrix.answers,
        live=LiveAnswers(matrix.answers, ground.config, ground.timing.streaming),
        unfinished=delivery.unfinished,
        typing=TypingNotice(matrix.sender, ground.timing),
        notices=delivery.notices,
    )


def _make_inbound(delivery: _Delivery, commands: Commands) -> Inbound:
    pending, notices = delivery.pending, delivery.notices
    edits = Edits(pending, delivery.askings, notices, commands)
    return Inbound(delivery.amend, edits, notices)


def _make_services(
    ground: Ground, delivery: _Delivery, account: SharedAccount, messages: Messages
) -> Services:
    timing, notices, control_room = ground.timing, delivery.notices, messages.control_room
    reconciler = control_room.provisioning.reconciler
    waiting = InvitationQueue(notices.queues, notices.boundary, timing.backoff)
    invitations = Invitations(control_room, waiting)
    encrypted = EncryptedMessages(messages, timing)
    resume = Resume(messages, encrypted, ground.matrix.timeline, ground.config)
    reactions = Reactions(messages, delivery.stopping)
    readings = RoomReadings(resume, reactions, timing.backoff, ground.host.log)
    catch_up = CatchUp(readings, invitations, reconciler)
    return Services(
        timing=timing,
        matrix=ground.matrix,
        store=ground.store,
        inbox=ground.inbox,
        erasure=Erasure(ground.database, timing.erase),
        routes=ground.routes,
        account=account,
        reconciler=reconciler,
        provisioning=control_room.provisioning,
        queues=notices.queues,
        pending=delivery.pending,
        inbound=messages.inbound,
        invitations=invitations,
        messages=messages,
        catch_up=catch_up,
        handlers=(SpaceEvents(reconciler), invitations, messages, encrypted, reactions, catch_up),
    )
