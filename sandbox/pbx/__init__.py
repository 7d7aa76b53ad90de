"""A small telephone exchange on our own `sip`: registrar, forking, hold with music, Replaces, customers outside."""
