"""The demo's source: the documentation of Python's standard library, as a typical SaaS API.

Every module, class and function of the running Python that has a docstring is a record.

    GET  /entries?limit=100&cursor=OPAQUE&updated_since=RFC3339
         -> {"items": [...], "next_cursor": "..." or null}
    POST /control/change {"change": N, "remove": M, "add": K, "seed": S} -> the ids
    GET  /control/records   all live records, a JSON object a line
    POST /control/latency   {"ms": 50}: for each page
    POST /control/break     {"ids": [...], "fields": {"text": null}}: pages have these records with
                            such fields; no ids mend all
    and the control endpoints of `dev.faults`

Without `updated_since`, live records come in the order of their ids. With it, records changed at
or after that moment come in the order of their change, the removed ones too, with
`"deleted": true`. A cursor names the last record seen, and carries `updated_since`: a record that
changes while somebody pages moves to the end, and nothing that stays is missed or comes twice.
"""
