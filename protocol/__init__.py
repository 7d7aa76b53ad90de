"""What the gateway and the widget say to each other: structs, one codec, pure functions; no I/O.

`codes` (every code, close ranges), `entities` (a user's state), `commands`, `messages` (both unions), `codec` (limits at the
door), `state` (diff and apply), `sentences` (codes for people), `typescript` (writes the widget's types).
"""
