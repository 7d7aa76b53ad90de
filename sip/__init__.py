"""A SIP user agent library in the RFCs' words: sans-I/O cores, and thin transports in `sip.transport`.

What a user of the library needs stands here; the parts are in the modules of the same names.
"""

from sip.account import Account
from sip.agent import UserAgent
from sip.call import Call
from sip.calls.inside_events import (
    CallReplaced,
    ControlAnswered,
    DigitReceived,
    InfoAnswered,
    ReferAccepted,
    ReferEnded,
    ReferLapsed,
    ReferProgress,
    ReferReceived,
    ReferRefused,
    RemoteControlRequested,
)
from sip.calls.refer_in import IncomingRefer
from sip.calls.refer_out import OutgoingRefer
from sip.calls.saved import SavedCall
from sip.calls.states import CallState
from sip.errors import LocalProtocolError, ParseError, RemoteProtocolError, SipError
from sip.events import (
    CallAnswered,
    CallConfirmed,
    CallEnded,
    CallProceeding,
    CallReceived,
    CSeqAdvanced,
    DialogRefreshed,
    EndCause,
    Event,
    OfferAccepted,
    OfferReceived,
    OfferRefused,
    ProbeFailed,
    Registered,
    RegistrationFailed,
    RequestReceived,
    TargetChanged,
    Unregistered,
)
from sip.flow import Flow, Transmit
from sip.headers import Reason, ReplacesHeader
from sip.ids import ByteIds, Ids, SeededIds
from sip.invitation import Invitation
from sip.registration import Registration, RegistrationState
from sip.subscriptions.facts import (
    Notified,
    PublicationFailed,
    Published,
    SubscriptionActive,
    SubscriptionEnded,
    SubscriptionFailed,
    SubscriptionForked,
    SubscriptionPending,
    SubscriptionReceived,
    Unpublished,
    WatcherEnded,
)
from sip.subscriptions.publication import Publication, PublicationState
from sip.subscriptions.states import SubscriptionState
from sip.subscriptions.subscription import Subscription
from sip.subscriptions.watcher import Watcher
from sip.subscriptions.watcher_states import WatcherState
from sip.timers import SessionTimers, Timers
from sip.uri import NameAddr, Uri

__all__ = [
    "Account",
    "ByteIds",
    "CSeqAdvanced",
    "Call",
    "CallAnswered",
    "CallConfirmed",
    "CallEnded",
    "CallProceeding",
    "CallReceived",
    "CallReplaced",
    "CallState",
    "ControlAnswered",
    "DialogRefreshed",
    "DigitReceived",
    "EndCause",
    "Event",
    "Flow",
    "Ids",
    "IncomingRefer",
    "InfoAnswered",
    "Invitation",
    "LocalProtocolError",
    "NameAddr",
    "Notified",
    "OfferAccepted",
    "OfferReceived",
    "OfferRefused",
    "OutgoingRefer",
    "ParseError",
    "ProbeFailed",
    "Publication",
    "PublicationFailed",
    "PublicationState",
    "Published",
    "Reason",
    "ReferAccepted",
    "ReferEnded",
    "ReferLapsed",
    "ReferProgress",
    "ReferReceived",
    "ReferRefused",
    "Registered",
    "Registration",
    "RegistrationFailed",
    "RegistrationState",
    "RemoteControlRequested",
    "RemoteProtocolError",
    "ReplacesHeader",
    "RequestReceived",
    "SavedCall",
    "SeededIds",
    "SessionTimers",
    "SipError",
    "Subscription",
    "SubscriptionActive",
    "SubscriptionEnded",
    "SubscriptionFailed",
    "SubscriptionForked",
    "SubscriptionPending",
    "SubscriptionReceived",
    "SubscriptionState",
    "TargetChanged",
    "Timers",
    "Transmit",
    "Unpublished",
    "Unregistered",
    "Uri",
    "UserAgent",
    "Watcher",
    "WatcherEnded",
    "WatcherState",
]
