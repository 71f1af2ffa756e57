"""How a table of accounts arrives: files of any format, databases, tables in memory; always a stream of chunks."""
