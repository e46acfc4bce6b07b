// One sample, large, with what is known of it; and a way to put it right.
import { Component, h } from "./preact.js";
import { el } from "./el.js";
import { patch, remove, text } from "./api.js";
import { Dialog } from "./dialog.js";
import { problem } from "./notice.js";
import { Labelling } from "./labelling.js";
import { samplePath, sampleName } from "./sample.js";
import { bytes, label, time } from "./words.js";

const { div, img, pre, dl, dt, dd, button, select, option, p, label: field } = el;

const SOURCES = { api: "added", feedback: "from feedback", reference: "from the workspace", teach: "from a training" };

export class SampleView extends Component {
  state = { text: null, broken: false, error: null, busy: false };

  async componentDidMount() {
    const { head, sample } = this.props;
    if (head.modality === "text" && sample.kept !== false) {
      try {
        this.setState({ text: await text(`${samplePath(head.head, sample.id)}/original`) });
      } catch (e) {
        this.setState({ error: e.message });
      }
    }
  }

  act = async (action) => {
    this.setState({ busy: true, error: null });
    try {
      await action();
      this.props.onClose(true);
    } catch (e) {
      this.setState({ busy: false, error: e.message });
    }
  };

  render({ head, sample, may, onClose }, { text, broken, error, busy }) {
    const path = samplePath(head.head, sample.id);
    const fact = (name, value) => value !== null && value !== undefined && value !== "" && [dt(null, name), dd({ class: "wrap" }, value)];
    return h(
      Dialog,
      { title: sampleName(sample), onClose: () => onClose(false), wide: true },
      head.modality === "image" && !broken && img({ class: "original", src: `${path}/${sample.kept === false ? "thumbnail" : "original"}`, alt: `The picture ${sampleName(sample)}`, onError: () => this.setState({ broken: true }) }),
      broken && p({ class: "muted" }, "The picture is not kept, or cannot be shown."),
      text !== null && pre({ class: "original-text", dir: "auto", tabindex: 0 }, text),
      dl(
        { class: "facts" },
        fact({ multi: "Classes", regression: "Number" }[head.task] ?? "Class", label(sample.label)),
        sample.predicted !== undefined && fact("Answered", label(sample.predicted)),
        fact("State", sample.state === "unreadable" ? `unreadable: ${sample.reason}` : sample.state),
        fact("Size", sample.bytes !== undefined ? bytes(sample.bytes) : null),
        fact("Came", sample.added && `${time(sample.added)}, ${SOURCES[sample.source] ?? sample.source ?? ""}`),
      ),
      may && head.task !== "single" && h(Labelling, { head, labels: [sample.label], title: head.task === "multi" ? "Put its classes right" : "Its number is", action: "Save", disabled: busy, onLabel: (change) => this.act(() => patch(path, { label: change(sample.label) })) }),
      problem(error),
      may &&
        div(
          { class: "row end wrap-row" },
          head.task === "single" &&
            field(
              { class: "inline-field" },
              "Belongs to",
              select(
                { disabled: busy, value: label(sample.label), onChange: (e) => this.act(() => patch(path, { label: e.target.value })) },
                head.classes.map((c) => option({ key: c.name, value: c.name }, c.name)),
              ),
            ),
          button({ type: "button", class: "button danger", disabled: busy, onClick: () => this.act(() => remove(path)) }, "Delete"),
        ),
    );
  }
}
