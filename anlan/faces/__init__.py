"""How people and machines meet the city: desk, wall, phone, interface."""
