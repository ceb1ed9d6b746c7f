"""A file store: pages by the header Link, OAuth 2, permissions by mail address.

    POST /oauth/token                  client credentials or a refresh token, see `dev.rest.oauth`
    GET  /files?per_page=25&modified_since=RFC3339
         -> [{id, name, mime_type, size, owner, permissions, web_url, created_at, modified_at}, ...]
    GET  /files/<id>                   one of them
    GET  /files/<id>/content           -> {id, mime_type, encoding, content}; the encoding is
                                       "text" or "base64", as the type of the file needs it

`permissions` is {"anyone": bool, "readers": [mail addresses]}; the owner may read, too, and is
not among the readers. A removed file is on no list: nothing tells of it but its absence. The next
page is at the link of the relation `next`, which is relative.

The control endpoints are those of `dev.rest` and `dev.rest.oauth`; `missing` files have no content.
"""
