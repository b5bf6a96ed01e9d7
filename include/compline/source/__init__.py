"""Git mirrors and image archives, and reading content out of them, however hostile they are."""
