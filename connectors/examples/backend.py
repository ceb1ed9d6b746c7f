"""A service of your own that crawls by itself: Glean's orchestrating shape.

    POST ${CONNECTOR_API_URL}/index {"mode": "FULL", "glean_instance": "acme"}
    200, once it is done; or 202 with the URL of its status in `Location`

The job begins the crawl, follows it, and ends as it ends: with the same status, retries and
alarms as any other.

    npx wrangler secret put CONNECTOR_API_URL
    npx wrangler secret put CONNECTOR_SIGNING_KEY    what its requests are signed with
"""

from durable import Backend, BackendConnector, Mode, Secret
from durable.glean import Datasource


connector = BackendConnector(
    name="backend",
    datasource=Datasource("examplebackend"),
    backend=Backend(url=Secret("CONNECTOR_API_URL"), signing_key=Secret("CONNECTOR_SIGNING_KEY")),
    schedule={"0 2 * * *": Mode.FULL, "0 * * * *": Mode.INCREMENTAL},
)
