"""Legal review (item 42): nothing is issued without it. 行政处罚法 art. 58; 重大行政决策程序暂行条例."""
