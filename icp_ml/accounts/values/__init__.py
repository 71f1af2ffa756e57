"""What a cell means: numbers and bands, money, dates, places, industries, tokens, hosts."""
