"""Party work in the bureau (item 40). 中国共产党支部工作条例(试行)."""
