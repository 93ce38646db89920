"""Services (item 43). 优化营商环境条例; 行政许可法 art. 82."""
