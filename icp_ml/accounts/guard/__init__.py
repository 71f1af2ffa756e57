"""The leak guard's evidence and rules."""
