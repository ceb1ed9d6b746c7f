"""A Glean on this machine: the part of its indexing API that a connector uses.

It is not Glean. It holds to what Glean documents, takes bodies only if the models of
Glean's own Python client take them, and where Glean documents nothing it refuses whatever
Glean might refuse, so that a connector that passes here asks little of Glean's goodwill.
Where a connector could come to depend on an answer that is not documented, the other reading
is to be had as well: by the switch in brackets, see readings.py and `/control/readings`.
Sources: Glean's OpenAPI description 0.9.0, the pages on bulk upload, documents, permissions and
limits at developers.glean.com, and the texts of errors quoted in Glean's help pages and notes.

What is said of an upload holds for those of all entities: documents, users, groups, memberships,
employees and teams.

| case | what Glean says | what we answer |
|---|---|---|
| first page, another upload is open, no forceRestartUpload | the request fails; no status | 409 |
| first page repeated for the open upload, no forceRestartUpload | nothing | 409 |
| the same with forceRestartUpload | discards previous attempts | 200; what was staged is gone |
| uploads of two entities, or of two datasources, at a time | nothing | 200: each has its own |
| memberships of two groups at a time | nothing | 409: they are one entity |
| page of an upload of memberships with another group than its first | nothing | 400 |
| first page, uploadId of a finished, discarded or expired upload | ids differ per upload | 409 |
| uploadId of another entity's upload in the datasource | ids differ per upload | 409 |
| the same with forceRestartUpload | discards previous attempts | 409 [refuses_repeated_first] |
| page of an upload that was never opened | nothing | 409 |
| middle page after the close | nothing | 409 [refuses_finished] |
| last page after the close | nothing | 409 [refuses_repeated_last] |
| middle or last page of a discarded upload | nothing | 409 [refuses_discarded] |
| middle or last page of an expired upload | nothing | 409 [refuses_expired] |
| forceRestartUpload without isFirstPage | must be with isFirstPage | 400 |
| disableStaleDocumentDeletionCheck without isLastPage | must be with isLastPage | 400 |
| disableStaleDataDeletionCheck without isLastPage | must be with isLastPage | 400 |
| last page without documents | nothing; its own tools do it | 200 [refuses_empty_last] |
| first and last page in one, without documents | its own tools do it | 200 |
| middle pages in any order | nothing; its own tools do it | 200 |
| item of a middle page is staged already | nothing | last wins [refuses_repeated_middle] |
| item of a last page is staged already, or twice in one page | nothing | 200; last wins |
| an upload that is never closed | nothing | stays open until `/control/expire` |
| discarded upload in bulkUploadHistory | only ACTIVE, SUCCESSFUL | absent [lists_discarded] |
| expired upload in bulkUploadHistory | only ACTIVE, SUCCESSFUL | absent |
| more than 20 % would be deleted | paused for 7 days | paused until /processalldocuments |
| the same of employees | deleted only if less | paused until an upload that deletes fewer |
| the same of users or groups | deleted below "a reasonable threshold" | as employees |
| the same of memberships or teams | no check is mentioned | deleted |
| /processalldocuments within 3 hours of the last | 429 | 200, or 429 by `/control/limits` |
| the same after one of all datasources | 429; not the other way round | likewise |
| /processallemployeesandteams again | 429 "too many requests" | likewise, 3 hours |
| /processallmemberships again | nothing | 200 |
| what processing memberships, employees or teams does | they are processed | nothing more |
| an upload after one whose deletion is paused | nothing | counted anew, the old documents too |
| document of an upload that is not closed | nothing | found after the close [shows_unclosed] |
| the same, and the upload is discarded or expires | nothing | never found [shows_unclosed] |
| one id under two object types | nothing | one document: the last type wins [keys_by_type] |
| single writes while an upload is open | nothing | they have effect [refuses_single_writes] |
| /indexdocuments while an upload is open | nothing | live; stale at the close if not in it |
| /deletedocument while an upload is open | nothing | comes back at the close if staged |
| /updatepermissions while an upload is open | nothing | as staged after the close |
| /updatepermissions of a document that is not there | nothing | 400 |
| the same with another objectType than the document's | nothing | 400 |
| /updatepermissions without id | viewURL, if uploaded without an id | 400 |
| /debug/{datasource}/document of one that is not there | enums with NOT_UPLOADED | NOT_UPLOADED |
| uploadedPermissions of a document that is staged | nothing | those that are staged |
| /deletedocument with another objectType than the document's | nothing | 200, nothing deleted |
| unknown datasource | invalid datasource | 400 |
| datasource name other than ASCII letters and digits | only its SDK refuses it | 400 |
| identityDatasourceName of an unknown datasource | must exist | 400 |
| datasource's identities, where it has those of another | nothing | 400 |
| datasourceCategory missing, UNCATEGORIZED or unknown | must be set | 400 |
| urlRegex | must match every viewURL | 400 unless all of viewURL matches |
| unknown field | nothing | 400 |
| number as a string, float as an integer | nothing | 400 |
| createdAt, updatedAt beyond the year 5138 | epoch seconds; else wrong dates | 400: milliseconds |
| objectType missing | optional | 200 |
| no permissions, or nobody in them | optional | 200; counted on the page at `/` |
| user in permissions who is not indexed | 400 | 400, always |
| group in permissions that is not indexed | nothing; users must be | 400, always |
| the same, staged in an upload that is open | nothing | 400: indexed at its close |
| users in permissions, isUserReferencedByEmail set | referenced by email | 400 without an email |
| the same, not set | referenced by the datasource's id | 400 without datasourceUserId |
| a user or group in permissions is deleted later | nothing | the documents stay |
| member or group of a membership that is not indexed | nothing | 400 |
| memberUserId | email if isUserReferencedByEmail, else userId | the other one is not found |
| memberUserId and memberGroupName | only one of them | 400 unless exactly one |
| group that is a member of itself | nothing | 400 |
| /bulkindexmemberships without group | optional; memberships of that group | 400 |
| user or group deleted, or not in a finished upload | loses its memberships | it does |
| deletion of a user, group, membership or employee that is absent | succeeds | 200 |
| deletion of a team that is absent | nothing | 200 |
| group name with whitespace, empty, or beginning with scio | not allowed | 400 |
| email that is none; name, id or department that is empty | required | 400 |
| firstName or lastName that is empty | not allowed | 400 |
| emails and names of groups in another case | nothing | they are others |
| key of an additional field | lowercase letters | 400 else |
| employee's type or status, team's relationship or kind of email | an enum of some | 400 else |
| team member who is no employee, manager who is none | nothing | 200 |
| mime type not among those documented | not supported; no status | 400 |
| binaryContent that is not base64 | nothing | 400 |
| content with both or none of textContent, binaryContent | only one of them | 400 |
| more than 1,000 items in a request | only its SDK splits there | 400 |
| request over 5 MiB and 64 KiB | 413; the SDK splits documents at 5 MiB | 413 |
| content type other than application/json | nothing | 415 |
| compressed request | nothing | 415 |
| rate limits, version numbers | 429, 409 | not kept; ask for a fault instead |

An answer of 200 has no body, as documented. Processing takes no time: what is accepted
is indexed, and the counts of `/debug/{datasource}/status` agree. `/control/counts` makes them
late or wrong.

That everybody in permissions must be indexed is what proves an order: whoever sends documents
before users and groups, or memberships before either, is refused. Documents that name nobody,
as with allowAnonymousAccess, are not concerned.
"""
