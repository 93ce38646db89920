"""Enforcement (items 9-10). 行政处罚法 art. 20, 24; 安全生产法 art. 62."""
