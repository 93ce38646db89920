"""The app of the tables that forms declare. It has no migrations: ``forms.tables`` makes them from the declarations."""
