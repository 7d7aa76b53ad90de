"""Transactions: one request and its responses, with repeats, timeouts and matching (RFC 3261 §17, RFC 6026)."""
