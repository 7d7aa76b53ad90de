"""The documents of event packages: read from strangers' bytes with bounds, and written. Pure values; no SIP message is known here."""
