"""What happens to calls, told in the users' words: facts, the ledger, the actions allowed now, the ends."""
