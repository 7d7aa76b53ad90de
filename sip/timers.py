"""The timer values of RFC 3261 table 4 and RFC 6026 §7.1, derived from three round-trip estimates.

Knows no clock: these are durations in seconds. Who starts which timer when is said by the transaction tables.
Timer C belongs to proxies (RFC 3261 §16.6) and is not here: how long a telephone may ring is the caller's decision.

Invariants: values never change after birth; on a reliable transport the timers that only wait for or repeat what
a network may lose are 0, which means "fires at once" (D, I, J, K) or "is not started" (A, E, G).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SessionTimers:
    """How long sessions last without a sign of life (RFC 4028), in seconds.

    Args:
        ask: what our INVITEs ask for and our 2xx propose (1800 is usual); None: nothing, but what a peer asks for is agreed to.
        least: the shortest interval that we accept; a peer that asks for less hears 422.
    """

    ask: int | None = None
    least: int = 90

    def __post_init__(self) -> None:
        assert self.least > 0, "an interval is positive"
        assert self.ask is None or self.ask >= self.least, "nobody asks for less than they accept"


@dataclass(frozen=True, slots=True)
class Timers:
    """Durations, in seconds, that every transaction of a process shares.

    Args:
        t1: estimate of the round-trip time (RFC 3261 §17.1.1.1).
        t2: longest interval between repeats of a non-INVITE request or of an INVITE response.
        t4: longest time a message stays in the network.
        trying: how long the user may take to answer an INVITE before 100 Trying is sent for it (§17.2.1 allows
            200 ms); 0 sends it at once, so that a caller stops repeating however busy we are.
    """

    t1: float = 0.5
    t2: float = 4.0
    t4: float = 5.0
    trying: float = 0.0

    def __post_init__(self) -> None:
        assert 0 < self.t1 <= self.t2, "T1 is positive and not above T2"
        assert self.t4 > 0, "T4 is positive"
        assert self.trying >= 0, "the delay of 100 Trying is not negative"

    @property
    def timeout(self) -> float:
        """64*T1: timers B, F, H, L and M on every transport, and how long a 200 waits for its ACK."""
        return 64 * self.t1

    @property
    def t_a(self) -> float:
        """First interval between repeats of an INVITE; doubles each time without a ceiling (§17.1.1.2)."""
        return self.t1

    @property
    def t_b(self) -> float:
        """How long an INVITE waits for any response (§17.1.1.2)."""
        return self.timeout

    def t_d(self, *, reliable: bool) -> float:
        """How long repeats of a 300-699 are acknowledged: at least 32 s, for the server's T1 is unknown (§17.1.1.2)."""
        return 0.0 if reliable else max(32.0, self.timeout)

    @property
    def t_e(self) -> float:
        """First interval between repeats of a non-INVITE request; doubles up to T2 (§17.1.2.2)."""
        return self.t1

    @property
    def t_f(self) -> float:
        """How long a non-INVITE request waits for its final response (§17.1.2.2)."""
        return self.timeout

    @property
    def t_g(self) -> float:
        """First interval between repeats of a 300-699 to INVITE; doubles up to T2 (§17.2.1)."""
        return self.t1

    @property
    def t_h(self) -> float:
        """How long a 300-699 to INVITE waits for its ACK (§17.2.1)."""
        return self.timeout

    def t_i(self, *, reliable: bool) -> float:
        """How long repeated ACKs are absorbed (§17.2.1)."""
        return 0.0 if reliable else self.t4

    def t_j(self, *, reliable: bool) -> float:
        """How long repeats of an answered non-INVITE request are answered again (§17.2.2)."""
        return 0.0 if reliable else self.timeout

    def t_k(self, *, reliable: bool) -> float:
        """How long repeats of a final response are absorbed (§17.1.2.2)."""
        return 0.0 if reliable else self.t4

    @property
    def t_l(self) -> float:
        """How long repeats of an accepted INVITE are absorbed, on every transport (RFC 6026 §7.1)."""
        return self.timeout

    @property
    def t_m(self) -> float:
        """How long further 2xx to an accepted INVITE are passed up, on every transport (RFC 6026 §7.2)."""
        return self.timeout
