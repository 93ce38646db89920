"""Where gateways report what became of their calls."""
