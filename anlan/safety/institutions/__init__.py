"""Rules in force and their making (items 4-6). 安全生产法 art. 3, 8, 9; 行政处罚法 art. 34."""
