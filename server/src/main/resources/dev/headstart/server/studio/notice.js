// What went wrong, where it went wrong; and a voice for those who do not see what changed.
import { el } from "./el.js";
import { icon } from "./icons.js";

const { div, button, span } = el;

export const problem = (message, dismiss) =>
  message
    ? div(
        { class: "notice bad", role: "alert" },
        icon("warning"),
        span({ class: "grow" }, message),
        dismiss && button({ type: "button", class: "icon-button small", "aria-label": "Dismiss", onClick: dismiss }, icon("close")),
      )
    : null;

export const hint = (...children) => div({ class: "notice" }, span({ class: "grow" }, ...children));

// Heard by screen readers, seen by nobody.
export function say(message) {
  const voice = document.getElementById("voice");
  if (voice) {
    voice.textContent = message;
  }
}
