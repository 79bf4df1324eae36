"""Who may wake a host, and what he has to do for it.

gate           the rules: from a request to what is asked of its visitor
agents         what kind of program a request comes from
visitors       pseudonyms of a day
traps          what only scanners ask for
challenges     what a page hands out and a wake hands in, signed
proof_of_work  some of the computer's time
game           a puzzle, move by move
chess          the puzzles
"""
