"""The service: calls as agents see them, on top of `sip/` and towards `protocol/`.

Cores (offices, ledgers, lines, connections) are sans-I/O; shells (`main`, `realtime/websocket`, `store/`) are a page each.
"""
