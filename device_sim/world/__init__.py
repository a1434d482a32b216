"""A whole county from a seed: who lives there, who comes, what goes wrong, and what really happened.

Pure and seeded: the same seed, size and begin give the same world on any machine. All chance comes from
generators that are keyed by the entity they speak of, so a change in one home moves nothing in another; no
draw depends on hashing, on the order of a set, or on a library of mathematics.
"""
