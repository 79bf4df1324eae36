"""The record: what activity.json and the archive say, and what it means.

The sidecar writes them (sidecar.record); anybody may read.

history     one host over some days, for its page (pure)
chronicle   what is recorded of one host, remembered as long as its files stay
listing     events a page at a time
documents   a file whose documents are not read yet
sums        events added up: what each host was awake, and what went wrong (pure)
summary     what an audit asks and answers (pure)
standing    how hosts stand, as the ledger keeps it (pure)
ledger      from events to when each host was awake, asleep or unknown (pure)
steady      the time that has passed, whatever the clock was set to (pure)
reckoning   which readings of a clock are believed (pure)
occurrence  an event: its one definition (pure)
opening     how all hosts stood as a month began (pure)
rows        a host's day by the hour (pure)
past        all events there are, archive included
records     what activity.json says now of each host's use
"""
