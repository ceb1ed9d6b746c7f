/** Sign-in, and its end. */

import { acting } from "./actions.js";
import { post, Problem, remove } from "./api.js";
import { h } from "./dom.js";
import { quiet, tell } from "./notices.js";

/** Ask for the token; the promise is kept once the browser has a session. */
export function signIn(main) {
  document.title = "Sign in – glean-durable-sync";
  const token = h("input", {
    id: "token",
    type: "password",
    autocomplete: "current-password",
    required: true,
    spellcheck: "false",
    "aria-describedby": "hint",
  });
  // Password managers keep a token by a name.
  const user = h("input", {
    type: "text",
    autocomplete: "username",
    value: "operator",
    hidden: true,
  });
  const button = h("button", { class: "main" }, "Sign in");
  const hint = h(
    "p",
    { id: "hint", class: "faint" },
    "The secret TRIGGER_TOKEN of this Worker. It is not kept here: a session lasts twelve hours.",
  );
  const form = h(
    "form",
    { class: "sign-in" },
    h("h1", {}, "Sign in"),
    user,
    h("label", { for: "token" }, "Token"),
    token,
    hint,
    button,
  );
  main.replaceChildren(form);
  token.focus();
  return new Promise((done) => {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      button.disabled = true;
      try {
        await post("/session", { token: token.value });
        quiet();
        done();
      } catch (error) {
        button.disabled = false;
        token.setAttribute("aria-invalid", "true");
        tell(
          error instanceof Problem && error.status === 401
            ? { title: "Wrong token.", message: error.message }
            : error,
        );
        token.select();
      }
    });
  });
}

/** Who is signed in, and the way out. */
export function account(element, { via, who }) {
  if (via === "nobody asked") return;
  const act = async () => {
    await remove("/session");
    // Cloudflare Access has a session of its own, and knows how to end it.
    location.assign(via === "access" ? "/cdn-cgi/access/logout" : "/");
  };
  const does = { class: "quiet", onclick: acting(act) };
  const button = h("button", { type: "button", ...does }, "Sign out");
  element.replaceChildren(...(who ? [h("span", { class: "faint who" }, who)] : []), button);
}
