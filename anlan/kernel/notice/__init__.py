"""Notices: a message, its addressees, parallel channels, receipts, and rungs while somebody is silent.

A call (叫应) is a notice that must be answered; its first view is who has not. Reading order: ``models`` (the four
tables), ``ladder`` (the rungs as data), ``acts`` (issue, answer, report, close), ``rungs`` (what a rung does when it
falls due), ``sending`` (the one door to the outside), ``events`` (what phones and gateways tell us), ``channels/``.
"""
