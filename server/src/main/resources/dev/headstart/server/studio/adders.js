// Every way to add samples to something: files, the camera, typed text. Where they go is for others to say.
import { Component, h } from "./preact.js";
import { el } from "./el.js";
import { icon } from "./icons.js";
import { cameraAllowed } from "./camera.js";
import { Burst } from "./burst.js";

const { div, span, button, label, input, form, textarea } = el;

// name: of what they are for, in words; onItems is given files or texts; camera: whether it is open here.
export class Adders extends Component {
  state = { typing: null };

  files = (event) => {
    const files = [...event.target.files];
    event.target.value = "";
    this.props.onItems(files);
  };

  addText = (event) => {
    event.preventDefault();
    const { text, lines } = this.state.typing;
    const texts = lines ? text.split(/\r?\n/).map((t) => t.trim()).filter(Boolean) : [text.trim()];
    this.props.onItems(texts);
    this.setState({ typing: null });
  };

  render({ head, camera, onCamera, onItems }, { typing }) {
    const ways = { image: this.pictures, text: this.texts }[head.modality] ?? this.vectors;
    return [
      div({ class: "adders" }, ways()),
      camera && h(Burst, { onPicture: (picture) => onItems([picture]), onClose: () => onCamera(false) }),
      typing && this.typing(typing),
    ];
  }

  picker(attributes, picture, words) {
    const { name, disabled } = this.props;
    return label(
      { class: "button small", "aria-disabled": disabled ? "true" : undefined },
      icon(picture),
      words,
      input({ type: "file", class: "unseen", "aria-label": `${words} for ${name}`, disabled, onChange: this.files, ...attributes }),
    );
  }

  pictures = () => {
    const { camera, onCamera, disabled } = this.props;
    return [
      this.picker({ multiple: true, accept: "image/*" }, "files", "Files"),
      cameraAllowed()
        ? button({ type: "button", class: "button small", "aria-pressed": String(camera), disabled, onClick: () => onCamera(!camera) }, icon("camera"), "Camera")
        : this.picker({ accept: "image/*", capture: "environment" }, "camera", "Camera"),
    ];
  };

  texts = () => [
    button({ type: "button", class: "button small", "aria-expanded": String(Boolean(this.state.typing)), disabled: this.props.disabled, onClick: () => this.setState(({ typing }) => ({ typing: typing ? null : { text: "", lines: true } })) }, icon("text"), "Type or paste"),
    this.picker({ multiple: true, accept: ".txt,.jsonl,.ndjson,text/plain" }, "files", "Files"),
  ];

  vectors = () => this.picker({ multiple: true, accept: ".jsonl,.ndjson" }, "files", "JSONL files");

  typing(typing) {
    const set = (change) => this.setState({ typing: { ...typing, ...change } });
    return form(
      { class: "typing", onSubmit: this.addText, onKeyDown: (e) => e.key === "Escape" && this.setState({ typing: null }) },
      textarea({ rows: 4, "aria-label": `Text for ${this.props.name}`, placeholder: "Type or paste text", value: typing.text, ref: (field) => field && !field.dataset.once && ((field.dataset.once = "1"), field.focus()), onInput: (e) => set({ text: e.target.value }) }),
      div(
        { class: "row" },
        label({ class: "check grow" }, input({ type: "checkbox", checked: typing.lines, onChange: (e) => set({ lines: e.target.checked }) }), span(null, "Every line is a sample")),
        button({ class: "button small primary", disabled: !typing.text.trim() || this.props.disabled }, "Add"),
      ),
    );
  }
}
