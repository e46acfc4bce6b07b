// What a head says of one sample: the answer in words, and a bar for every score.
import { el } from "./el.js";
import { decimal, label as words, percent } from "./words.js";

const { div, p, span, ol, li } = el;

const SHOWN_CLASSES = 10;

export const said = (answer) => (answer.value !== undefined ? decimal(answer.value) : words(answer.label ?? answer.labels));

export function answered(head, answer) {
  const scores = Object.entries(answer.scores ?? {});
  const order = new Map(head.classes.map((c, i) => [c.name, i]));
  const most = [...scores].sort((a, b) => b[1] - a[1]).slice(0, SHOWN_CLASSES);
  // In the order of the classes, so that bars do not jump about while a camera looks.
  most.sort((a, b) => (order.get(a[0]) ?? 0) - (order.get(b[0]) ?? 0));
  const chosen = new Set([answer.label ?? answer.labels ?? []].flat());
  return div(
    { class: "answer" },
    p({ class: "said" }, span({ class: "muted small" }, "It says "), span({ class: "said-label wrap" }, said(answer)), answer.version && span({ class: "muted small" }, ` version ${answer.version}`)),
    answer.novelty > 1 &&
      p({ class: "notice warnings" }, "Unlike anything it has learned", span({ class: "small" }, ` – ${answer.novelty.toFixed(1)} times as far as its samples usually are. Do not trust the answer; if it belongs to a class, tell it so.`)),
    most.length > 0 &&
      ol(
        { class: "bars" },
        most.map(([name, score]) =>
          li(
            { key: name, class: chosen.has(name) ? "chosen" : "" },
            span({ class: "bar-name ellipsis", title: name }, name),
            span({ class: "bar", "aria-hidden": "true" }, span({ class: "bar-fill", style: { transform: `scaleX(${Math.max(0, Math.min(1, score))})` } })),
            span({ class: "bar-number" }, percent(score)),
          ),
        ),
      ),
  );
}
