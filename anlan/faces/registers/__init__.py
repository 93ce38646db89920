"""The pages of every register: list, form, sheet, map layer and interface, all drawn from its declaration."""
