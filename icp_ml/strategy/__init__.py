"""What people say beside the data: a hypothesis, overrides with a reason, a market that is being entered."""
