"""The states of a registration and what may happen to it; the table is in `sip.registration`."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class RegistrationState(StrEnum):
    IDLE = "idle"
    QUEUED = "queued"  # for its turn at the registrar
    REGISTERING = "registering"
    REGISTERED = "registered"
    REFRESH_QUEUED = "refresh queued"
    REFRESHING = "refreshing"
    WAITING = "waiting"  # failed; tried again later
    LEAVING = "leaving"  # to be removed, once the REGISTER that is under way is answered
    LEAVE_QUEUED = "leave queued"
    UNREGISTERING = "unregistering"
    RETURNING = "returning"  # wanted again while it is being removed
    OFF = "off"


class RegistrationInput(StrEnum):
    REGISTER = "register"
    UNREGISTER = "unregister"
    ACCEPTED = "2xx"
    TOO_BRIEF = "423"
    REFUSED = "3xx-6xx"
    TURN = "turn"  # the pacer lets it send
    SILENT = "registrar silent"  # as others found out
    TIMER = "time"
    TRANSPORT_LOST = "transport lost"
    TRANSPORT_MADE = "transport made"


IDLE: Final = RegistrationState.IDLE
QUEUED: Final = RegistrationState.QUEUED
REGISTERING: Final = RegistrationState.REGISTERING
REGISTERED: Final = RegistrationState.REGISTERED
REFRESH_QUEUED: Final = RegistrationState.REFRESH_QUEUED
REFRESHING: Final = RegistrationState.REFRESHING
WAITING: Final = RegistrationState.WAITING
LEAVING: Final = RegistrationState.LEAVING
LEAVE_QUEUED: Final = RegistrationState.LEAVE_QUEUED
UNREGISTERING: Final = RegistrationState.UNREGISTERING
RETURNING: Final = RegistrationState.RETURNING
OFF: Final = RegistrationState.OFF

REGISTER: Final = RegistrationInput.REGISTER
UNREGISTER: Final = RegistrationInput.UNREGISTER
ACCEPTED: Final = RegistrationInput.ACCEPTED
TOO_BRIEF: Final = RegistrationInput.TOO_BRIEF
REFUSED: Final = RegistrationInput.REFUSED
TURN: Final = RegistrationInput.TURN
SILENT: Final = RegistrationInput.SILENT
TIMER: Final = RegistrationInput.TIMER
TRANSPORT_LOST: Final = RegistrationInput.TRANSPORT_LOST
TRANSPORT_MADE: Final = RegistrationInput.TRANSPORT_MADE

# A REGISTER is under way.
ASKING: Final = frozenset({REGISTERING, REFRESHING, LEAVING, UNREGISTERING, RETURNING})
