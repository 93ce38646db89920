"""The network over several machines: doors publish on the bus, workers judge, each some of the parts.

What guards against loss is the bus's log, what guards against doing a thing twice is the ledger of each part in the
database: whoever takes a part further holds its lock and sees what was taken already. Which worker looks after which part
is only a matter of labour, so nobody needs to be sure that another is dead.
"""
