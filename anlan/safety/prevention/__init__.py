"""Intrinsic safety of enterprises (items 7-8). 安全生产法 art. 4, 41; 企业安全生产标准化建设定级办法."""
