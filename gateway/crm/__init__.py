"""What concerns amoCRM: so far, who a widget's one-time token belongs to."""
