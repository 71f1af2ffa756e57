"""What a score is: the one kernel, its reasons, its support, and the customers it resembles."""
