/** The dashboard: which page is asked for, and by whom. */

import { get, Problem } from "./api.js";
import { connectors } from "./connectors.js";
import { h } from "./dom.js";
import { events } from "./events.js";
import { job } from "./job.js";
import { jobs } from "./jobs.js";
import { watch } from "./live.js";
import { tell } from "./notices.js";
import { rejects } from "./rejects.js";
import { account, signIn } from "./sign_in.js";

const LOOK_MS = 2_000;

const main = document.getElementById("main");
const pages = document.querySelector("nav");

/** The page at the address. */
async function page() {
  const [, place, id] = location.pathname.split("/");
  for (const link of pages.querySelectorAll("a")) {
    if (link.pathname === `/${place || "connectors"}`) link.setAttribute("aria-current", "page");
  }
  const title =
    { jobs: "Jobs", events: "Events", rejects: "Rejected", status: "Job" }[place] ?? "Connectors";
  document.title = `${title} – glean-durable-sync`;
  if (place === "jobs") return jobs(main);
  if (place === "status") return job(main, id);
  if (place === "events")
    return alone("Events", id, async (section) => {
      const look = events(section, id);
      return watch(async (signal) => ((await look(signal)) ? null : LOOK_MS));
    });
  if (place === "rejects")
    return alone("Rejected", id, async (section) => {
      const look = rejects(section, id);
      const status = await get(`/status/${id}`);
      await look(status.rejected);
      if (!status.rejected) section.append(h("p", {}, "No record was rejected."));
    });
  return connectors(main);
}

/** A part of a job's page, as a page of its own. */
async function alone(title, id, show) {
  const section = h("section", {});
  const back = h("p", { class: "trail" }, h("a", { href: `/status/${id}` }, id));
  main.replaceChildren(back, h("h1", {}, title), section);
  return show(section);
}

/** Whoever is not signed in, signs in and gets what was asked for. */
async function begin() {
  for (;;) {
    try {
      await watch(async (signal) => {
        account(document.getElementById("account"), await get("/session", signal));
        pages.hidden = false;
        await page();
        return null;
      });
    } catch (error) {
      if (!(error instanceof Problem && error.status === 401)) return broken(error);
      pages.hidden = true;
      document.getElementById("account").replaceChildren();
      await signIn(main);
      main.focus();
    }
  }
}

/** In place of a page that cannot be shown. */
function broken(error) {
  const back = h("p", {}, h("a", { href: "/" }, "All connectors"));
  main.replaceChildren(
    h(
      "section",
      { role: "alert" },
      h("h1", {}, error.title ?? "Error"),
      h("p", {}, error.message),
      back,
    ),
  );
}

await begin();
