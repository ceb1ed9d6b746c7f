"""A wiki: spaces, their pages, their comments; users, and groups with members; Basic.

    GET /api/spaces                          {key, name, permissions, web_url}
    GET /api/spaces/<key>/permissions        {"anonymous": bool, "groups": [names]}: who may read
    GET /api/spaces/<key>/pages              {id, space, title, version, author, labels, body,
                                             created_at, updated_at, web_url}; also updated_since=
    GET /api/pages/<id>                      one of them
    GET /api/pages/<id>/comments             {id, author, body, created_at}
    GET /api/trash?updated_since=RFC3339     {id, space, trashed_at} of removed pages
    GET /api/users                           {id, name, email, active}
    GET /api/groups                          {name, description}
    GET /api/groups/<name>/members           as users

All lists but permissions are {"results": [...], "size": N, "_links": {"next": "..."}}, where `next`
is relative and absent on the last page. They take `limit`, 25 if nothing is said and 100 at most.
Bodies are HTML, at body/storage/value. Who asks is told by Basic: a user and an API token.

One space has no pages, one group no members, one is larger than a page, and one in ten people
has left. The control endpoints are those of `dev.rest`; records are pages, and `missing` pages
have no comments endpoint, as if they were removed meanwhile.
"""
