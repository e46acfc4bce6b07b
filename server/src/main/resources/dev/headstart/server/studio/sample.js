// One sample as it is seen: a thumbnail, or the beginning of a text.
import { Component } from "./preact.js";
import { el } from "./el.js";
import { text, url } from "./api.js";
import { icon } from "./icons.js";

const { img, span } = el;

const SNIPPET = 280;

// Texts by sample; a sample is its bytes, so they never change.
const texts = new Map();

export const samplePath = (head, id) => url`/v1/heads/${head}/samples/${id}`;

export const sampleName = (sample) => sample.name || `sample ${String(sample.id).slice(0, 8)}`;

export class Face extends Component {
  state = { broken: false, text: texts.get(this.props.sample.id) };

  componentDidMount() {
    this.look();
  }

  componentDidUpdate(before) {
    // What could not be shown while it was pending can perhaps be now.
    if (before.sample.id !== this.props.sample.id || before.sample.state !== this.props.sample.state) {
      this.setState({ broken: false, text: texts.get(this.props.sample.id) });
      this.look();
    }
  }

  async look() {
    const { head, sample } = this.props;
    if (!this.isText() || texts.has(sample.id) || sample.kept === false) {
      return;
    }
    try {
      texts.set(sample.id, (await text(`${samplePath(head.head, sample.id)}/original`)).slice(0, SNIPPET));
      this.setState({ text: texts.get(sample.id) });
    } catch {
      // It was deleted meanwhile, or its original is not kept: its name stands for it.
      this.setState({ broken: true });
    }
  }

  isText() {
    return this.props.head.modality === "text";
  }

  render({ head, sample }, { broken, text }) {
    if (this.isText()) {
      return span({ class: "snippet", dir: "auto" }, text ?? (broken || sample.kept === false ? sampleName(sample) : "…"));
    }
    return broken || head.modality !== "image"
      ? span({ class: "no-picture" }, icon(head.modality === "image" ? "picture" : "numbers"))
      : img({
          src: `${samplePath(head.head, sample.id)}/thumbnail`,
          alt: "",
          width: 96,
          height: 96,
          loading: "lazy",
          decoding: "async",
          draggable: false,
          onError: () => this.setState({ broken: true }),
        });
  }
}
