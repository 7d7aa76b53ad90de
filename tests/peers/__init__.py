"""Real peers for the system and browser plays: a PBX, phones, a database, a browser, a lossy wire.

Each is an async context manager (or a plain one) that starts its process on free ports of the loopback, waits until it
answers, and leaves nothing behind. None of them uses `sip/`: a fault of ours must not be mirrored by the peer that judges it.
"""
