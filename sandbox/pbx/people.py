"""Customers as parties: gives each the voice that its behaviour asks for. One phrase and one whistle for all, read once."""

from dataclasses import dataclass
from importlib.resources import as_file, files

from sandbox.customers import Customer
from sandbox.pbx.parties import Person
from sandbox.pbx.sound.frames import Loop, Samples, melody, recording, tone

WHISTLE = 440.0  # Hz


@dataclass(frozen=True, slots=True)
class People:
    """What customers say, and the music of the office."""

    phrase: Samples
    whistle: Samples
    music: Samples

    def person(self, customer: Customer) -> Person:
        """That customer at the beginning of a conversation."""
        return Person(customer, Loop(self.phrase), Loop(self.whistle))


def recorded_people() -> People:
    """With the recorded phrase of the package (made by espeak-ng, see docs/sandbox.md)."""
    with as_file(files("sandbox") / "data" / "hello.ru.wav") as path:
        return People(recording(path), tone(WHISTLE), melody())
