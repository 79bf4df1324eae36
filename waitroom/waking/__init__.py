"""A wake, from the wish to an app that answers.

wake      one a host, joined by all who wait
course    brings it up, and hands it over
grants    what was paid for it, in the journal and in the
budgets   budgets
bring_up  look, start, probe
stages    how far it has come
patience  how long and how often it tries
probe     whether the app answers
canary    where the host's requests lead
stops     whether a stop is under way
statuses  what the providers say
outcomes  how wakes ended
history   how long they take
openings  wakes before a window opens
"""
