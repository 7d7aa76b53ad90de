"""What the gateway costs, measured and never asserted: `make bench` prints one JSON object a measurement."""
