"""Supplies, relief, insurance (items 38-39). 山东省突发事件应急保障条例."""
