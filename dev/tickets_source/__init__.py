"""A ticket system: pages by cursor, changes since a time, tombstones, a bearer token.

    GET /api/v1/tickets?limit=25&cursor=OPAQUE&updated_since=RFC3339
        -> {"tickets": [...], "meta": {"next_cursor": "..." or null, "total": N}}

A ticket has its comments, requester, assignee (or null) and custom fields inside. Without
`updated_since` live tickets come by id. With it, tickets changed at or after that time come by
change, the removed ones too: of such a one only {id, state: "deleted", updated_at} is left.

The control endpoints are those of `dev.rest`.
"""
