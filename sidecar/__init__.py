"""The watcher beside Traefik: reads its log, records, decides, puts to sleep.

__main__     commands and environment
daemon       the one loop: look, read, commit, decide
decide       who is to sleep: asks about each host that the agenda calls up
agenda       which hosts are to be looked at now, and which later
sleep        the handshake that puts one host to sleep, step by step
questions    what must hold for that, each with its answer as data
sight        whether Traefik's connections to a host are seen where we look for them
proofs       canaries whose own line has been read
stopping     follows a stop until it has begun, or ended
uses         all that is known of each host's use
connections  Traefik's open connections to an upstream
looks        when there may be something to read
ingest       reads all that is in the logs now, once
explain      whether a host would sleep now, and why not
audit        sums of what was awake, and what that saved (pure)
auditing     asks for them, and prints the answer
report       an audit as a table, JSON or CSV
recorder     log line -> tail -> intake -> store; the one owner of activity.json
tail         reads a log that is rotated in every way, each line once
carriers     which files carry which generation of the log now
generations  the lives of a log, each read on block by block
positions    how far each was read: what activity.json keeps of it (pure)
siblings     the files beside a log
sources      their bytes, plain
packed       and unpacked
zstd_file    a .zst file, as the standard library reads the others
intake       what the lines of both logs add up to
activity     what the entries of the access log do, a count a host (pure)
awake        for how long each host was awake (pure)
metrics      /metrics: what all these know, for Prometheus
events       what happened, and what the idle question asks of it
annals       what becomes of events and hours: the ledger, activity.json, the archive
ledger       from events to when each host was awake, asleep or unknown (pure)
hours        requests and seconds awake by the hour (pure)
occurrence   an event: its one definition (pure)
store        activity.json: TinyDB, replaced whole
archive      what is older, a file a month
atomic       replaces a file as a whole
past         all events there are, for other readers
schema       the JSON Schema of those files
commits      how its commits went
webhooks     events, sent on to others
records      what activity.json says, for other readers
numbering    which requests have no line (pure)
clock        notices when the wall clock is set
release      gives the disk space of what was read back
samples      bad lines, said at most once a minute
"""
