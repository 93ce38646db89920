"""The network as OGC SensorThings 1.1 (18-088), to be read: stations are Things, their sensors Datastreams, readings Observations."""
