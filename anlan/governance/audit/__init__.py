"""Internal audit and purchasing (item 42). 审计署关于内部审计工作的规定; 政府采购法."""
