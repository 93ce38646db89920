"""The simulated telephones of the demo city, its exercises and its replays."""
