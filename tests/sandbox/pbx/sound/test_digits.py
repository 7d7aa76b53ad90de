"""RTP events (RFC 4733)."""

from sandbox.pbx.sound.digits import Digits


def event(key: int, *, end: bool = False, duration: int = 160) -> bytes:
    return bytes([key, 0x80 * end | 10]) + duration.to_bytes(2, "big")


def test_all_packets_of_one_press_are_one_digit() -> None:
    digits = Digits()
    for n in range(1, 6):
        digits.put(event(5, duration=160 * n), 1000)
    for _ in range(3):  # §2.5.1.4: the end is sent three times
        digits.put(event(5, end=True, duration=800), 1000)
    assert digits.pressed == "5"


def test_the_same_key_twice_is_two_digits() -> None:
    digits = Digits()
    digits.put(event(1), 1000)
    digits.put(event(1), 2000)
    assert digits.pressed == "11"


def test_star_hash_and_letters_have_their_codes() -> None:
    digits = Digits()
    for n, key in enumerate((10, 11, 12, 15)):
        digits.put(event(key), n)
    assert digits.pressed == "*#AD"


def test_other_events_and_stumps_are_passed_over() -> None:
    digits = Digits()
    digits.put(event(16), 1)  # flash hook
    digits.put(b"\x05\x0a", 2)
    digits.put(b"", 3)
    assert digits.pressed == ""
