"""How a server is asked: who asks, what an answer means, for how long to wait."""
