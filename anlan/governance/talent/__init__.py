"""Staff (item 45). 党政领导干部选拔任用工作条例. Files are for few eyes."""
