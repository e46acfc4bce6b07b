// Two versions asked about the same samples.
import { Component, h } from "./preact.js";
import { el } from "./el.js";
import { get, url } from "./api.js";
import { problem } from "./notice.js";
import { confusion } from "./confusion.js";
import { Face, sampleName } from "./sample.js";
import { SampleView } from "./sample-view.js";
import { count, goodness, label, off } from "./words.js";

const { section, div, h3, h4, p, ul, li, button, span } = el;

const SHOWN = 60;

export class Compare extends Component {
  state = { comparison: null, error: null, open: null };

  componentDidMount() {
    this.load();
  }

  componentDidUpdate(before) {
    if (before.change !== this.props.change) {
      this.load();
    }
  }

  load = async () => {
    const { head, a, b } = this.props;
    try {
      this.setState({ comparison: await get(url`/v1/heads/${head.head}/compare?a=${a}&b=${b}`), error: null });
    } catch (e) {
      this.setState({ error: e.message });
    }
  };

  look = async (sample) => {
    try {
      this.setState({ open: await get(url`/v1/heads/${this.props.head.head}/samples/${sample.id}`) });
    } catch (e) {
      this.setState({ error: e.message });
    }
  };

  render({ head, a, b, may, onChanged }, { comparison, error, open }) {
    const side = (version, evaluation) =>
      div(
        { class: "side-by-side-part" },
        h4(null, `Version ${version}: `, goodness(evaluation), typeof evaluation.accuracy === "number" && " right"),
        evaluation.confusion?.length > 0 && confusion({ classes: evaluation.classes, matrix: evaluation.confusion, title: `Confusion of version ${version}` }),
      );
    const changed = comparison?.changed ?? [];
    const better = changed.filter((s) => off(s.label, s.b) < off(s.label, s.a)).length;
    const worse = changed.filter((s) => off(s.label, s.a) < off(s.label, s.b)).length;
    return section(
      { class: "compare", "aria-label": `Versions ${a} and ${b} compared` },
      h3(null, `Versions ${a} and ${b} on the same samples`),
      problem(error),
      !comparison && !error && p({ class: "muted" }, "Asking both about every sample…"),
      comparison && div({ class: "side-by-side" }, side(a, comparison.a), side(b, comparison.b)),
      comparison &&
        p(null, changed.length === 0 ? `They answer ${typeof comparison.samples === "number" ? `all ${comparison.samples} samples` : "all samples"} alike.` : `${count(changed.length, "sample")} changed: ${head.task === "regression" ? `${better} nearer by version ${b}, ${worse} farther off` : `${better} put right by version ${b}, ${worse} made wrong`}.`),
      changed.length > 0 &&
        ul(
          { class: head.modality === "text" ? "faces texts" : "faces" },
          changed.slice(0, SHOWN).map((sample) =>
            li(
              { key: sample.id },
              button(
                { type: "button", class: "face", "aria-label": `${sampleName(sample)}: is ${label(sample.label)}, version ${a} said ${label(sample.a)}, version ${b} says ${label(sample.b)}`, onClick: () => this.look(sample) },
                h(Face, { head, sample }),
                span({ class: `caption ${off(sample.label, sample.b) < off(sample.label, sample.a) ? "right" : "wrong"}` }, `${label(sample.a)} → ${label(sample.b)}`),
              ),
            ),
          ),
        ),
      open &&
        h(SampleView, {
          head,
          sample: open,
          may,
          onClose: (touched) => {
            this.setState({ open: null });
            if (touched) {
              onChanged();
              this.load();
            }
          },
        }),
    );
  }
}
