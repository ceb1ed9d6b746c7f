"""A soak: the real runtime under random faults, kills and people, for as long as it is let.

Round after round: what the local Glean does where Glean documents nothing (`Readings`) is
changed, records are changed at the source, and jobs run while requests fail, answers are lost,
the runtime is killed, uploads expire or are replaced, and people cancel, retry and trigger.
All of it is drawn from one seed, before it happens; the moments depend on the machine.

    plan.py      what a round brings: edits, jobs, troubles, deeds
    troubles.py  what goes wrong with requests
    actors.py    the Worker's callers, Glean's other clients, and the one who kills
    steps.py     plays one step: an edit, its jobs, and all that happens to them
    holds.py     plays a step whose job is to be held for a person
    judge.py     what must hold, after every job
    tally.py     what was seen
"""
