// How far what is on its way to a class is, and what was refused of it.
import { el } from "./el.js";
import { icon } from "./icons.js";
import { count } from "./words.js";

const { div, span, label, button, progress, p, ul, li } = el;

const SHOWN_REFUSALS = 4;

// title: what it is for, where that does not show; else nothing.
export function Uploading({ uploads, name, title }) {
  const upload = uploads.state(name);
  if (!upload) {
    return null;
  }
  const left = upload.done < upload.total;
  const { refused, said, stalled } = upload;
  return div(
    { class: "uploading" },
    title && p({ class: "small wrap" }, title),
    left && !stalled && label({ class: "progress-line" }, span({ class: "muted small" }, `Adding ${Math.floor(upload.done)} of ${upload.total}`), progress({ max: upload.total, value: upload.done })),
    stalled &&
      div(
        { class: "notice bad wrap-row", role: "alert" },
        span({ class: "grow" }, stalled, ` ${count(Math.ceil(upload.total - upload.done), "sample")} not sent yet.`),
        button({ type: "button", class: "button small", onClick: () => uploads.retry(name) }, "Try again"),
        button({ type: "button", class: "button small", onClick: () => uploads.forget(name) }, "Give up"),
      ),
    !left &&
      (refused.length > 0 || said) &&
      div(
        { class: `notice ${refused.length ? "bad" : ""}`, role: refused.length ? "alert" : "status" },
        div(
          { class: "grow" },
          said && p(null, `${said}.`),
          refused.length > 0 && p(null, `${count(refused.length, "sample")} could not be taken:`),
          refused.length > 0 && ul({ class: "refusals" }, refused.slice(0, SHOWN_REFUSALS).map((r) => li({ class: "wrap" }, r.name ? `${r.name}: ` : "", r.error))),
          refused.length > SHOWN_REFUSALS && p(null, `and ${refused.length - SHOWN_REFUSALS} more`),
        ),
        button({ type: "button", class: "icon-button small", "aria-label": "Dismiss", onClick: () => uploads.forget(name) }, icon("close")),
      ),
  );
}
