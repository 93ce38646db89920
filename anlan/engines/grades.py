"""The four grades of a warning, a response, an event or an alarm, and how they are written; Ⅰ is the gravest."""

LEVELS = {1: "Ⅰ级", 2: "Ⅱ级", 3: "Ⅲ级", 4: "Ⅳ级"}
