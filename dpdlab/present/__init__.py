"""Words and numbers for people, shared by every front end."""
