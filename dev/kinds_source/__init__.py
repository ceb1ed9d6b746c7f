"""One set of records through every kind of paging, and for every kind of proof.

    GET /kinds/<kind>                 for everybody
    GET /auth/<proof>/kinds/<kind>    for those who prove themselves by `bearer`, `basic`,
                                      `api-key-header` (x-api-key), `api-key-query` (api_key) or
                                      `oauth` (POST /oauth/token, see `dev.rest.oauth`)

A record is {id, title, text, updated_at (RFC 3339), updated (seconds since 1970), deleted}.
Where nothing else is said, a kind takes one of `updated_since` (RFC 3339), `since` (seconds, or
RFC 3339) and `since_ms`; it gives live records only, by id, or by change where there is such a
time. A page has 25 records, or as many as its hint says, but no more than 100.

    kind               hint      next page     which is told by
    cursor             limit     cursor        next_cursor, null at the end; and has_more
    cursor-absent      limit     cursor        next_cursor, absent at the end
    cursor-empty       limit     cursor        next_cursor, the empty text at the end
    cursor-flag        limit     cursor        has_more alone: next_cursor is there at the end, too
    cursor-header      limit     cursor        header X-Next-Cursor; the body is a bare list
    nested             limit     cursor        meta/next, null at the end; data/result/items
    tombstones         limit     cursor        as cursor; with a time, removed records as well
    summaries          limit     cursor        as cursor; records have no `text`
    deleted            limit     cursor        as cursor; {id, deleted_at} of removed records
    folders            limit     cursor        as cursor; {id, name}
    folders/<id>/items limit     cursor        as cursor; one folder has none
    link               per_page  the link      header Link; the body is a bare list
    link-relative      per_page  the link      likewise, relative
    next-url           per_page  the URL       next, null at the end; records at results
    next-url-relative  per_page  the URL       likewise, relative
    offset             limit     offset        total
    offset-plain       limit     offset        nothing: past the end is an empty page
    offset-strict      limit     offset        nothing: past the end is 400
    page               per_page  page, from 1  total_pages
    page-zero          per_page  page, from 0  total_pages
    page-total         per_page  page, from 1  total
    page-plain         per_page  page, from 1  nothing: past the end is an empty page
    keyset             limit     after_id      nothing: past the end is an empty page
    keyset-time        limit     updated_from  nothing; RFC 3339 or seconds, that time included
    odata              $top      the URL       @odata.nextLink, absent at the end; records at value
    graphql            first     after         data/records/pageInfo; a POST, see below
    mediawiki          gaplimit  continue      continue, absent at the end; query/pages by page id
    list               none      none          a bare list of all records
    lines              none      Range         NDJSON with ETag; takes If-Range
    lines-no-range     none      none          NDJSON; ignores Range
    detail/<id>        none      none          one record; 404 for those that settings call missing

All that page by `cursor`, and links, also take `sort`: id, updated_at or -updated_at; and, but
for folders, `after_id`: records with a greater id, on each page of the list. Times are
`updated_from` for keyset-time, `$filter=updated_at ge TIME` for odata (which has @odata.count with
`$count=true`), `gapsince` for mediawiki and the variable `since` for graphql, which is asked by a
POST of {query, variables: {first, after, since}}. The errors of the last two have status 200. A
mediawiki answer without records has no `query`. The control endpoints are those of `dev.rest` and
`dev.rest.oauth`.
"""
