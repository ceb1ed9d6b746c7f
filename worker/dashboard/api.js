/** The Worker's API, asked as the dashboard does. */

import { say } from "./words.js";

/** What the Worker refuses, as its problem document says it. */
export class Problem extends Error {
  constructor({ title, status, detail, remedy }) {
    super([detail, say(remedy)].filter(Boolean).join(" "));
    this.title = title;
    this.status = status;
  }
}

/** No answer came: the network is down, or the Worker is. */
export class Lost extends Error {
  title = "No answer";

  constructor() {
    super("The Worker did not answer. Check the connection.");
  }
}

export async function get(path, signal) {
  return asked("GET", path, {}, signal);
}

/** Ask for something to be done. It is sent once: who lost the answer, looks before asking again. */
export async function post(path, body, headers = {}) {
  return asked("POST", path, { body: body && JSON.stringify(body), headers });
}

export async function remove(path) {
  return asked("DELETE", path);
}

/** Ask for a job; however often this very request arrives, it is one. */
export async function trigger(connector, mode) {
  return post("/trigger", { connector, mode }, { "Idempotency-Key": crypto.randomUUID() });
}

async function asked(method, path, options = {}, signal = undefined) {
  const headers = { Accept: "application/json", ...options.headers };
  let response, text;
  try {
    // Without a referrer policy of its own, some browsers would send no Origin.
    response = await fetch(path, {
      method,
      ...options,
      headers,
      signal,
      referrerPolicy: "same-origin",
    });
    text = await response.text();
  } catch (error) {
    throw error.name === "AbortError" ? error : new Lost();
  }
  const content = parsed(text);
  if (response.ok) return content;
  throw new Problem({
    title: `Error ${response.status}`,
    status: response.status,
    detail: "",
    ...content,
  });
}

/** Some answers are empty; what a proxy says on the way, is no JSON. */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
