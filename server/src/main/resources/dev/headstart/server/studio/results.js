// How well a version does on the head's samples, and where it errs.
import { Component, h } from "./preact.js";
import { el } from "./el.js";
import { get, url } from "./api.js";
import { problem } from "./notice.js";
import { confusion } from "./confusion.js";
import { Face, sampleName } from "./sample.js";
import { SampleView } from "./sample-view.js";
import { calibrated, count, crossValidated, decimal, label, off, percent } from "./words.js";

const { section, div, h2, h3, p, label: field, select, option, ul, li, button, span, strong } = el;

const SHOWN = 60;

export class Results extends Component {
  state = { versions: null, version: null, samples: "validation", evaluation: null, chosen: null, open: null, error: null, busy: true, shown: SHOWN };

  componentDidMount() {
    this.load();
  }

  componentDidUpdate(before) {
    if (before.change !== this.props.change) {
      this.load();
    }
  }

  load = async () => {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const { head } = this.props;
    this.setState({ busy: true });
    try {
      const { versions } = await get(url`/v1/heads/${head.head}/versions`);
      const known = versions.some((v) => v.version === this.state.version);
      const version = known ? this.state.version : (head.version ?? versions[0]?.version ?? null);
      const evaluation =
        version === null
          ? null
          : await get(url`/v1/heads/${head.head}/versions/${version}/evaluation` + (this.state.samples === "validation" ? "?samples=validation" : ""));
      if (turn === this.turn) {
        this.setState({ versions, version, evaluation, error: null, busy: false });
      }
    } catch (e) {
      if (turn === this.turn) {
        this.setState({ error: e.message, evaluation: null, busy: false });
      }
    }
  };

  choose = (change) => this.setState({ ...change, chosen: null }, this.load);

  render({ head, may }, { versions, version, samples, evaluation, chosen, open, error, busy, shown }) {
    if (versions?.length === 0) {
      return section({ class: "card welcome" }, h2(null, "Nothing to show yet"), p({ class: "muted" }, "Teach this head first; then this page says how well it does and where it errs."));
    }
    const listed = evaluation?.samples ? this.listed(evaluation, chosen) : [];
    return section(
      { class: "card results", "aria-label": "Results", "aria-busy": String(busy) },
      div(
        { class: "row wrap-row" },
        field({ class: "inline-field" }, "Version", select({ value: version ?? "", onChange: (e) => this.choose({ version: Number(e.target.value) }) }, (versions ?? []).map((v) => option({ key: v.version, value: v.version }, `${v.version}${v.live ? " (live)" : ""}`)))),
        field(
          { class: "inline-field" },
          "on",
          select({ value: samples, onChange: (e) => this.choose({ samples: e.target.value }) }, option({ value: "validation" }, "samples that did not teach it"), option({ value: "all" }, "all samples")),
        ),
      ),
      problem(error),
      busy && !evaluation && p({ class: "muted" }, "Asking it about every sample…"),
      evaluation && this.words(evaluation, samples),
      evaluation && this.honesty(versions?.find((v) => v.version === version)),
      evaluation?.confusion &&
        evaluation.confusion.length > 0 &&
        confusion({ classes: evaluation.classes, matrix: evaluation.confusion, title: "Confusion", chosen, choose: (next) => this.setState({ chosen: next, shown: SHOWN }) }),
      evaluation?.samples &&
        div(
          null,
          h3(null, chosen ? `${evaluation.classes[chosen.row]}, answered ${evaluation.classes[chosen.column]}` : evaluation.mae !== undefined ? "Farthest off" : "What it got wrong"),
          listed.length === 0 && p({ class: "muted" }, "None of them."),
          ul(
            { class: head.modality === "text" ? "faces texts" : "faces" },
            listed.slice(0, shown).map((sample) =>
              li(
                { key: sample.id },
                button(
                  { type: "button", class: "face", "aria-label": `${sampleName(sample)}: is ${label(sample.label)}, answered ${label(sample.predicted)}`, onClick: () => this.look(sample) },
                  h(Face, { head, sample }),
                  span({ class: "caption" }, `${label(sample.label)} → ${label(sample.predicted)}`, typeof sample.score === "number" && head.task !== "regression" && ` ${percent(sample.score)}`),
                ),
              ),
            ),
          ),
          listed.length > shown && button({ type: "button", class: "button quiet wide", onClick: () => this.setState({ shown: shown + SHOWN }) }, `Show more (${listed.length - shown})`),
        ),
      open &&
        h(SampleView, {
          head,
          sample: open,
          may,
          onClose: (changed) => {
            this.setState({ open: null });
            if (changed) {
              this.props.onChanged();
              this.load();
            }
          },
        }),
    );
  }

  listed({ samples, classes }, chosen) {
    return chosen
      ? samples.filter((s) => s.label === classes[chosen.row] && s.predicted === classes[chosen.column])
      : samples.filter((s) => off(s.label, s.predicted) > 0).sort((a, b) => off(b.label, b.predicted) - off(a.label, a.predicted) || (b.score ?? 0) - (a.score ?? 0));
  }

  look = async (sample) => {
    try {
      const whole = await get(url`/v1/heads/${this.props.head.head}/samples/${sample.id}`);
      this.setState({ open: { ...whole, predicted: sample.predicted } });
    } catch (e) {
      this.setState({ error: e.message });
    }
  };

  honesty(version) {
    const words = [crossValidated(version), calibrated(version)].filter(Boolean);
    return words.length > 0 && p({ class: "muted small" }, `${words.join("; ")}.`);
  }

  words(evaluation, samples) {
    const total = evaluation.samples?.length ?? (evaluation.confusion ?? []).flat().reduce((a, b) => a + b, 0);
    if (total === 0) {
      return p({ class: "muted" }, samples === "validation" ? "No sample was left to judge this version: all of them taught it." : "There are no samples.");
    }
    if (typeof evaluation.accuracy !== "number") {
      return p({ class: "verdict" }, "On average off by ", strong(null, decimal(evaluation.mae ?? evaluation.loss)), typeof evaluation.r2 === "number" && `, r² ${decimal(evaluation.r2, 2)}`, ` on ${count(total, "sample")}.`);
    }
    const right = Math.round(evaluation.accuracy * total);
    return p(
      { class: "verdict" },
      strong(null, `${right} of ${total} right`),
      ` (${percent(evaluation.accuracy)})`,
      span({ class: "muted small" }, samples === "validation" ? " – on samples that it had not learned from. " : " – on all samples, those that taught it among them: it knows most of them by heart. ", typeof evaluation.macroF1 === "number" && `Macro F1 ${decimal(evaluation.macroF1, 2)}, `, typeof evaluation.loss === "number" && `loss ${decimal(evaluation.loss)}.`),
    );
  }
}
