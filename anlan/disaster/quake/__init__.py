"""Earthquake (items 24-27). 防震减灾法; GB 21734."""
