"""The Common Alerting Protocol (CAP 1.2, OASIS, July 2010): read, check, write, what is in force, feeds, signatures."""

from anlan.engines.cap.model import Alert, Area, Fault, Info, Read, Reference, Resource
from anlan.engines.cap.reader import read
from anlan.engines.cap.schema import check
from anlan.engines.cap.writer import write

__all__ = ["Alert", "Area", "Fault", "Info", "Read", "Reference", "Resource", "check", "read", "write"]
