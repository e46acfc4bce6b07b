// What is sick in the samples, the worst first, and a way to put each right: move it, delete it, or keep it as it is.
import { Component, createRef, h } from "./preact.js";
import { el } from "./el.js";
import { get, patch, remove } from "./api.js";
import { problem, say } from "./notice.js";
import { icon } from "./icons.js";
import { ask } from "./dialog.js";
import { Face, samplePath, sampleName } from "./sample.js";
import { SampleView } from "./sample-view.js";
import { count, label } from "./words.js";

const { div, section, h3, h4, p, ul, li, button, span, strong } = el;

const SHOWN = 5;

// What a person said is right, by head, until the page is loaded anew.
const kept = new Map();

export class Checkup extends Component {
  state = { gone: new Set(), open: null, error: null, busy: false, more: {} };
  list = createRef();

  keeps() {
    const { head } = this.props.head;
    return kept.get(head) ?? kept.set(head, new Set()).get(head);
  }

  // The entry goes; who uses the keyboard goes on with the next one.
  drop(key, ids, change) {
    const buttons = [...(this.list.current?.querySelectorAll(".offender") ?? [])];
    const at = buttons.findIndex((item) => item.dataset.key === key);
    const next = buttons[at + 1]?.dataset.key ?? buttons[at - 1]?.dataset.key;
    change();
    this.setState({ gone: new Set([...this.state.gone, ...ids]) }, () => {
      const there = [...(this.list.current?.querySelectorAll(".offender") ?? [])].find((item) => item.dataset.key === next);
      (there?.querySelector(".offender-actions button") ?? this.props.title.current)?.focus();
    });
  }

  act = async (key, id, words, action) => {
    this.setState({ busy: true, error: null });
    try {
      await action();
      say(words);
      this.drop(key, [id], () => this.props.onChanged());
    } catch (e) {
      this.setState({ error: e.message });
    }
    this.setState({ busy: false });
  };

  keep = (key) => {
    this.drop(key, [], () => this.keeps().add(key));
    say("Kept as it is");
  };

  move = (key, sample) => this.act(key, sample.id, `Moved to ${label(sample.suggested)}`, () => patch(samplePath(this.props.head.head, sample.id), { label: sample.suggested }));

  delete = async (key, sample) => {
    if (await ask("Delete this sample?", `${sampleName(sample)}: its bytes and features will be gone from this device.`, "Delete")) {
      await this.act(key, sample.id, `${sampleName(sample)} deleted`, () => remove(samplePath(this.props.head.head, sample.id)));
    }
  };

  look = async (sample) => {
    try {
      this.setState({ open: await get(samplePath(this.props.head.head, sample.id)), error: null });
    } catch (e) {
      this.setState({ error: e.message });
    }
  };

  render({ head, report, may }, { open, error, more, gone }) {
    const groups = this.groups(report)
      .map((group) => ({ ...group, items: group.items.filter((item) => !this.keeps().has(item.key) && !item.samples.some((s) => gone.has(s.id))) }))
      .filter((group) => group.items.length > 0);
    const warnings = report.warnings ?? [];
    return section(
      { class: "checkup", "aria-labelledby": "checkup-title", ref: this.list },
      h3({ id: "checkup-title" }, "Samples to look at"),
      groups.length === 0 && warnings.length === 0 && p({ class: "notice good" }, icon("check"), "Nothing looks wrong."),
      warnings.length > 0 && ul({ class: "notice warnings" }, warnings.map((words) => li({ key: words }, words))),
      problem(error, () => this.setState({ error: null })),
      groups.map((group) =>
        div(
          { key: group.title, class: "offenders" },
          h4(null, group.title, " ", span({ class: "count" }, group.total)),
          ul(null, group.items.slice(0, more[group.title] ?? SHOWN).map((item) => this.item(item, head, may))),
          group.items.length > (more[group.title] ?? SHOWN) &&
            button({ type: "button", class: "button quiet wide", onClick: () => this.setState({ more: { ...more, [group.title]: group.items.length } }) }, `Show ${count(group.items.length - (more[group.title] ?? SHOWN), "more", "more")}`),
        ),
      ),
      open &&
        h(SampleView, {
          head,
          sample: open,
          may,
          onClose: (changed) => {
            this.setState({ open: null });
            if (changed) {
              this.setState({ gone: new Set([...gone, open.id]) });
              this.props.onChanged();
            }
          },
        }),
    );
  }

  // Each kind with its entries: what to say, the samples it is about, and whether there is a better label.
  groups({ suspects, duplicates, blank, unreadable }) {
    const pairs = (across) => (duplicates?.worst ?? []).filter((pair) => pair.across === across).map(({ a, b }) => ({ key: `${a.id} ${b.id}`, samples: [a, b], words: label(a.label) === label(b.label) ? label(a.label) : `${label(a.label)} and ${label(b.label)}` }));
    const labels = pairs("labels");
    const split = pairs("split");
    const rest = pairs("nothing");
    const likely = (suspects?.worst ?? []).filter((s) => s.likely);
    const listed = labels.length + split.length + rest.length;
    return [
      { title: "The same, under two labels", total: labels.length, items: labels },
      { title: "Labels that are likely wrong", total: suspects?.total, items: likely.map((s) => ({ key: s.id, samples: [s], suggested: s.suggested, words: [label(s.label), " – rather ", strong(null, typeof s.suggested === "number" ? `about ${Number(s.suggested.toPrecision(3))}` : label(s.suggested))] })) },
      { title: "The same, one taught and one judging", total: split.length, items: split },
      { title: "Nothing in it", total: blank?.total, items: (blank?.worst ?? []).map((s) => ({ key: s.id, samples: [s], words: label(s.label) })) },
      { title: "Cannot be read", total: unreadable?.total, items: (unreadable?.worst ?? []).filter((s) => s.id).map((s) => ({ key: s.id, samples: [s], words: s.reason })) },
      { title: "The same twice", total: (duplicates?.total ?? 0) - listed + rest.length, items: rest },
    ];
  }

  item({ key, samples, words, suggested }, head, may) {
    const { busy } = this.state;
    const disabled = busy || !may;
    const moves = suggested !== undefined && head.task !== "regression";
    const two = samples.length > 1;
    return li(
      { key, class: "offender", "data-key": key },
      div(
        { class: "offender-faces" },
        samples.map((sample) => button({ key: sample.id, type: "button", class: "face", "aria-label": `Look at ${sampleName(sample)}`, title: sampleName(sample), onClick: () => this.look(sample) }, h(Face, { head, sample }))),
      ),
      div(
        { class: "offender-words" },
        p({ class: "small wrap" }, words),
        p({ class: "muted small ellipsis", title: samples.map(sampleName).join(", ") }, samples.map(sampleName).join(", ")),
        may &&
          div(
            { class: "offender-actions" },
            moves && button({ type: "button", class: "button small", disabled, "aria-label": `Move ${sampleName(samples[0])} to ${label(suggested)}`, onClick: () => this.move(key, { ...samples[0], suggested }) }, `Move to ${label(suggested)}`),
            samples.map((sample, i) => button({ key: sample.id, type: "button", class: "button small danger", disabled, "aria-label": `Delete ${two ? (i === 0 ? "first: " : "second: ") : ""}${sampleName(sample)}`, onClick: () => this.delete(key, sample) }, two ? `Delete ${i === 0 ? "first" : "second"}` : "Delete")),
            button({ type: "button", class: "button small", disabled: busy, "aria-label": `Keep ${samples.map(sampleName).join(" and ")}`, onClick: () => this.keep(key) }, two ? "Keep both" : "Keep"),
          ),
      ),
    );
  }
}
