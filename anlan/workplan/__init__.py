"""The year's work plan: items with aims and nodes, read from the paper and measured by the city's own records."""
