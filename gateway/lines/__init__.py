"""One extension: its registration, its SIP calls and what of them is written down."""
