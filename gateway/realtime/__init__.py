"""The way between the offices and the pages' sockets: tickets, connections, streams, tabs; one shell, `websocket`."""
