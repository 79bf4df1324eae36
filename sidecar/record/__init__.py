"""activity.json: what it says, from a line of a log to an archive of years.

What it means, and who else reads it: waitroom.record.

recorder    log line -> tail -> intake -> store; the one owner of the file
reading     both logs, read on in slices
known       what is recorded of each host's use
intake      what the lines of both logs add up to
activity    what the access log's do, a count a host (pure)
series      lines that agree in host, service, status and agent: each series is judged once (pure)
paths       lines that nobody wanted to see (pure)
counts      what was ever counted of a host (pure)
awake       for how long each host was awake (pure)
events      what happened, and what the idle question asks of it
annals      what becomes of events and hours: the ledger, activity.json, the archive
hours       requests and seconds awake by the hour (pure)
store       TinyDB, replaced whole
tables      its tables as bytes, and back
openings    how all stood as a month began, for the archive (pure)
archive     what is older, a file a month
atomic      replaces a file as a whole
commits     how the commits went
clock       notices when the wall clock is set
"""
