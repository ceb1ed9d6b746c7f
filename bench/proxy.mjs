// The limit of this shape: each page fetched and its bytes posted as they are, one after the other.
//
// node proxy.mjs SOURCE SINK PAGES DOCUMENTS WARM_PAGES

import { Agent, request } from "node:http";
import { createInterface } from "node:readline";

const [source, sink, pages, , warmPages] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

function sent(method, url, body) {
  return new Promise((resolve, reject) => {
    const headers = body ? { "content-type": "application/json", "content-length": body.length } : {};
    const outgoing = request(url, { method, agent, headers }, (incoming) => {
      const parts = [];
      incoming.on("data", (part) => parts.push(part));
      incoming.on("end", () => resolve(Buffer.concat(parts)));
      incoming.on("error", reject);
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

async function copied(count) {
  for (let index = 0; index < count; index += 1) {
    const body = await sent("GET", `${source}/pages?cursor=${index}`);
    await sent("POST", `${sink}/api/index/v1/bulkindexdocuments`, body);
  }
}

await copied(Number(warmPages));
console.log("warm");
for await (const _ of createInterface({ input: process.stdin })) break;
await copied(Number(pages));
console.log(JSON.stringify({ peak_bytes: process.resourceUsage().maxRSS * 1024 }));
process.exit();
