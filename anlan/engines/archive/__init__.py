"""The sealed history of a sensor network: Parquet files sorted by (sensor, time), and a manifest of those that count.

Three levels: every reading (raw), minutes and hours. `seal` writes a batch at all three, `compact` makes the files of a
closed day or month one, `read` answers, `give_out` and `take_in` exchange history with others. Times are whole
milliseconds since 1970 UTC, spans are [start, end), days and months those of UTC; sensors are numbers ≥ 0 of the caller.

What keeps it right:
- Only what the manifest lists counts, and the manifest changes by one rename.
- Of repeated (sensor, time) the reading that was sealed first counts.
- A minute or hour that lies in more than one file is computed anew from the level below.
- A file of which a compaction took over a part keeps the rest: its `spans` say which of its times still count.
"""
