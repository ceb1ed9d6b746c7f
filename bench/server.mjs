// One of the two ends: a server that answers from memory, and remembers when it was asked.
//
// PUT /control/shape sets what is served and forgets the requests; GET /control/requests lists them.

import { createServer } from "node:http";

const SPIN_MS = 2; // timers come up to a millisecond late, so the last of a wait is spun away

// Milliseconds of a clock that all processes of a machine share.
export const now = () => Number(process.hrtime.bigint()) / 1e6;

/**
 * Serve on a free port of 127.0.0.1 until standard input closes. Prints the URL.
 *
 * @param name of the server, for the printed line.
 * @param reshape takes a new shape.
 * @param answer takes a request and its body, and gives {kind, body, latencyMs}: the answer,
 *   how long it is held back, and with them whatever else is to be remembered of the request.
 */
export function serve(name, reshape, answer) {
  let requests = [];

  async function respond(request, response) {
    const arrivedMs = now();
    const body = await whole(request);
    if (request.url === "/control/shape") {
      reshape(JSON.parse(body));
      requests = [];
      return response.end();
    }
    if (request.url === "/control/requests") return response.end(JSON.stringify(requests));
    const { body: answered, latencyMs, ...rest } = answer(request, body);
    if (latencyMs > 0) await until(arrivedMs + latencyMs);
    response.writeHead(200, {
      "content-type": "application/json",
      "content-length": answered.length,
    });
    response.end(answered);
    requests.push({ ...rest, arrived_ms: arrivedMs, answered_ms: now() });
  }

  const server = createServer({ keepAliveTimeout: 600_000, noDelay: true }, (request, response) => {
    respond(request, response).catch((error) => {
      if (error.code !== "ECONNRESET") console.error(error); // whoever asked was killed
      response.destroy();
    });
  });
  server.listen(0, "127.0.0.1", () => {
    console.log(`${name}: http://127.0.0.1:${server.address().port}`);
  });
}

async function whole(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return parts.length === 1 ? parts[0] : Buffer.concat(parts);
}

function until(atMs) {
  return new Promise((resolve) => {
    const spin = () => (now() >= atMs ? resolve() : setImmediate(spin));
    setTimeout(spin, Math.max(0, atMs - now() - SPIN_MS));
  });
}
