"""Which field a column is: by its header, by what its values look like, and what to ask where neither is sure."""
