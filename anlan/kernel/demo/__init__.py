"""The demo city's people: real areas and kinds of office, invented villages, persons, telephones and accounts."""
