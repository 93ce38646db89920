"""Disaster reduction (items 15-17). 突发事件应对法; 全国综合减灾示范社区创建管理办法."""
