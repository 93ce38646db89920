"""Training of everybody (items 1-3). 安全生产法 art. 28; 生产经营单位安全培训规定."""
