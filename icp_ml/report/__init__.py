"""What a model knows, for people: an HTML page, Markdown and the terminal. Nothing is computed from data here."""
