"""The shells of `sip`: sockets, the loop and the clock. The cores never import from here."""
