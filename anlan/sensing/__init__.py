"""The network of item 28: readings in, rules judged, alarms kept, warnings received and issued."""
