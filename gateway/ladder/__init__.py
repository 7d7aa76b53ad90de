"""What was said in the last calls, between the PBX, us and the pages, drawn as engineers of this trade read it."""
