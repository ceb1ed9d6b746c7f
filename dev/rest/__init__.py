"""What the sources in `dev/` that speak REST have in common: records, pages, proofs and control.

Records are made of nothing but a number, a version and a time, so that a server needs no data,
and gives the same on every start. The control endpoints of each server, which ask for no token:

    POST /control/change   {"change": N, "remove": M, "add": K, "share": L, "seed": S, "at_ms": T}
                           -> {"at_ms": T, "changed": [ids], "removed": [ids], "added": [ids],
                           "shared": [ids]}; without `at_ms` it happens now, and after whatever
                           happened before. Files that are shared keep their time
    GET  /control/records  all live records, a JSON object a line
    GET  /control/settings those in force, see `dev.rest.settings`
    PUT  /control/settings others; what is left out has its default again
    POST /control/expire-cursors  all cursors handed out so far are refused from now on, with 410
    POST /control/reset    all as at the start: records, settings, tokens; no faults, no log
    and the control endpoints of `dev.faults`
"""
