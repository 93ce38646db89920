"""The three separated keepers: accounts, grants, audit."""
