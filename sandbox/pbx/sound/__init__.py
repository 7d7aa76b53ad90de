"""Sound of the exchange: frames of 20 ms at 8 kHz, where they come from, where they go. Knows nothing of calls."""
