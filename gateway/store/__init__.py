"""What outlives the process: accounts, extensions, users, sessions and the journal of calls.

One file per aggregate, SQLAlchemy Core underneath, SQLite or PostgreSQL by the address. Nothing here knows of SIP or of
sockets; the rest of the gateway sees frozen values and the ports that it was written against.
"""
