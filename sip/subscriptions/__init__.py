"""Subscriptions to the state of others, of others to ours, and publications of ours (RFC 6665, RFC 3903)."""
