// Which class was answered for which: rows are what samples are, columns what was answered. Every number is a button.
import { el } from "./el.js";
import { count } from "./words.js";

const { div, table, caption, thead, tbody, tr, th, td, button, span } = el;

const LEVELS = 5;

// chosen: {row, column} or null; choose is called with the same, null for none.
export function confusion({ classes, matrix, title, chosen, choose }) {
  const level = (n, row) => {
    const sum = row.reduce((a, b) => a + b, 0);
    return n === 0 || sum === 0 ? 0 : Math.max(1, Math.round((n / sum) * LEVELS));
  };
  return div(
    { class: "table-scroll", tabindex: 0, role: "region", "aria-label": title },
    table(
      { class: "confusion" },
      caption({ class: "unseen" }, `${title}. Rows: what samples are. Columns: what was answered.`),
      thead(
        null,
        tr(null, td({ class: "corner" }, span({ class: "muted small" }, "is ↓  answered →")), classes.map((c) => th({ key: c, scope: "col", title: c }, span({ class: "ellipsis" }, c)))),
      ),
      tbody(
        null,
        matrix.map((row, i) =>
          tr(
            { key: classes[i] },
            th({ scope: "row", title: classes[i] }, span({ class: "ellipsis" }, classes[i])),
            row.map((n, k) =>
              td(
                { key: classes[k] },
                n === 0 && !choose
                  ? span({ class: "cell zero" }, 0)
                  : button(
                      {
                        type: "button",
                        class: `cell ${n === 0 ? "zero" : i === k ? "right" : "wrong"} level-${level(n, row)}`,
                        disabled: n === 0 || !choose,
                        "aria-pressed": choose && n > 0 ? String(chosen?.row === i && chosen?.column === k) : undefined,
                        "aria-label": `${count(n, "sample")} of ${classes[i]}, answered ${classes[k]}`,
                        onClick: () => choose(chosen?.row === i && chosen?.column === k ? null : { row: i, column: k }),
                      },
                      n,
                    ),
              ),
            ),
          ),
        ),
      ),
    ),
  );
}
