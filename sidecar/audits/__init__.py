"""What the record says, for people.

auditing  asks for them, and prints the answer
report    as a table, JSON or CSV
explain   whether a host would sleep now, and why not
"""
