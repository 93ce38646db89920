"""The duty desk: what a duty officer sees in one look and does with one hand on the telephone."""
