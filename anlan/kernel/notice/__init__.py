"""Notices: a message, whom it addresses, and the ladder of rungs while somebody is silent.

A call (叫应) is a notice that must be answered; its first view is who has not. Reading order: ``models`` (the four
tables), ``ladder`` (the rungs as data), ``acts`` (issue, close). What a rung does when it falls due is in
``dispatch``, what comes back in ``answers``, the ways out in ``carriers``.
"""
