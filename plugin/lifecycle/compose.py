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
from ..commands.messages import MessageCommands
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
from ..spaces.room_wait import RoomWait
from .catch_up import CatchUp
from .host import Host
from .infrastructure import Infrastructure, make_infrastructure
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
    base = make_infrastructure(host, config, timing, limits)
    account = SharedAccount(host.client, host.instance, config, base.routes, host.served)
    provisioning = _make_provisioning(base, _make_reconciler(base))
    delivery = _make_delivery(base)
    calls = PlatformCalls(config, timing, limits)
    commands = _make_commands(base, delivery, provisioning, calls)
    control_room = ControlRoom(provisioning, commands, account.answers)
    responder = _make_responder(base, delivery, calls)
    inbound = _make_inbound(delivery, commands)
    messages = Messages(control_room, responder, inbound, timing)
    return _make_services(base, delivery, account, messages)


def _make_reconciler(base: Infrastructure) -> Reconciler:
    matrix, timing, limits, log = base.matrix, base.timing, base.limits, base.host.log
    observer = Observer(matrix, base.config, timing.doubt)
    applier = Applier(matrix.writer, base.routes, timing, log)
    known_rooms = KnownRooms(matrix.reader, base.routes, log)
    everywhere = Everywhere(known_rooms, timing.doubt, limits.chats_in_a_part)
    return Reconciler(Runner(observer, applier, everywhere, base.store), timing, limits)


def _make_provisioning(base: Infrastructure, reconciler: Reconciler) -> Provisioning:
    turns = RoomTurns(base.timing, base.limits, base.host.log)
    owner_lock = OwnerLock(reconciler, turns, base.timing.requests.backoff)
    creator = RoomCreator(base.matrix, reconciler, turns, base.config)
    room_wait = RoomWait(base.matrix.lookups, reconciler)
    return Provisioning(reconciler, owner_lock, creator, room_wait)


def _make_delivery(base: Infrastructure) -> _Delivery:
    matrix, timing, limits, log = base.matrix, base.timing, base.limits, base.host.log
    queues = RoomQueues(timing.stop)
    notices = Notices(queues, ErrorBoundary(matrix.sender, log))
    aside = SetAside(base.config, limits.set_aside)
    pending = PendingMessages(base.inbox, aside, limits.waiting)
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
    base: Infrastructure, delivery: _Delivery, provisioning: Provisioning, calls: PlatformCalls
) -> Commands:
    chats = ChatCommands(ChatEdits(provisioning), base.config)
    administration = Administration(provisioning.reconciler, base.config, calls)
    return Commands(chats, administration, MessageCommands(delivery.amend, delivery.stopping))


def _make_responder(base: Infrastructure, delivery: _Delivery, calls: PlatformCalls) -> Responder:
    matrix = base.matrix
    return Responder(
        calls=calls,
        askings=delivery.askings,
        questions=LastQuestions(matrix.timeline, delivery.pending),
        history=History(matrix.timeline, delivery.notices),
        inbox=base.inbox,
        answers=matrix.answers,
        live=LiveAnswers(matrix.answers, base.config, base.timing.streaming),
        unfinished=delivery.unfinished,
        typing=TypingNotice(matrix.sender, base.timing),
        notices=delivery.notices,
    )


def _make_inbound(delivery: _Delivery, commands: Commands) -> Inbound:
    amend, notices = delivery.amend, delivery.notices
    edits = Edits(amend, delivery.askings, notices, commands)
    return Inbound(amend, edits, delivery.stopping, notices)


def _make_services(
    base: Infrastructure, delivery: _Delivery, account: SharedAccount, messages: Messages
) -> Services:
    timing, notices, control_room = base.timing, delivery.notices, messages.control_room
    reconciler = control_room.provisioning.reconciler
    waiting = InvitationQueue(notices.queues, notices.boundary, timing.backoff)
    invitations = Invitations(control_room, waiting)
    encrypted = EncryptedMessages(messages, timing)
    resume = Resume(messages, encrypted, base.matrix.timeline, base.config)
    reactions = Reactions(messages)
    readings = RoomReadings(resume, timing.backoff, base.host.log)
    catch_up = CatchUp(readings, invitations, reconciler)
    return Services(
        timing=timing,
        matrix=base.matrix,
        store=base.store,
        inbox=base.inbox,
        erasure=Erasure(base.database, timing.erase),
        routes=base.routes,
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
