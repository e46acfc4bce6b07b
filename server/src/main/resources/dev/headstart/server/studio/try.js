// Trying the head: by camera, file or text, and putting it right where it errs.
import { Component, createRef, h } from "./preact.js";
import { el } from "./el.js";
import { post, url } from "./api.js";
import { problem, say } from "./notice.js";
import { icon } from "./icons.js";
import { Camera, cameraAllowed } from "./camera.js";
import { pasted, typing } from "./drop.js";
import { answered, said } from "./answer.js";
import { Labelling } from "./labelling.js";
import { label as words } from "./words.js";

const { section, h2, div, button, label, input, textarea, img, p } = el;

// A few a second; and the next only when the last was answered.
const EVERY_MILLIS = 250;

export class Try extends Component {
  camera = createRef();
  state = { live: false, paused: false, picture: null, text: "", answer: null, error: null, busy: false, thanks: null, over: false };

  componentWillUnmount() {
    this.gone = true;
    this.stop();
    this.show(null);
  }

  path() {
    return url`/v1/heads/${this.props.head.head}/predict`;
  }

  // The picture that is shown, by an address that has to be given back.
  show(blob) {
    if (this.address) {
      URL.revokeObjectURL(this.address);
    }
    this.address = blob && URL.createObjectURL(blob);
    if (!this.gone) {
      this.setState({ picture: this.address });
    }
  }

  ask = async (body, type) => {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    this.setState({ busy: true });
    try {
      const answer = await post(this.path(), body, type);
      if (turn === this.turn && !this.gone) {
        this.setState({ answer, error: null, busy: false, thanks: null });
      }
    } catch (e) {
      if (turn === this.turn && !this.gone) {
        this.setState({ answer: null, error: e.message, busy: false });
      }
    }
  };

  file = async (file) => {
    if (!file) {
      return;
    }
    this.stop();
    if (this.props.head.modality === "text") {
      const text = await file.text();
      this.setState({ text });
      await this.askText(text);
      return;
    }
    this.show(file);
    await this.ask(file, file.type || "application/octet-stream");
    this.tell();
  };

  askText = async (text) => {
    await this.ask({ text });
    this.tell();
  };

  // Said for single questions only; a camera's answers would never end.
  tell() {
    const { answer } = this.state;
    if (answer) {
      say(`It says ${said(answer)}`);
    }
  }

  start = () => {
    this.show(null);
    this.setState({ live: true, paused: false, answer: null, error: null, thanks: null }, this.loop);
  };

  stop = () => {
    clearTimeout(this.timer);
    if (!this.gone) {
      this.setState({ live: false, paused: false });
    }
  };

  loop = async () => {
    clearTimeout(this.timer);
    if (!this.state.live || this.gone) {
      return;
    }
    const began = performance.now();
    if (!this.state.paused && !document.hidden) {
      const picture = await this.camera.current?.picture();
      if (picture && !this.gone) {
        await this.ask(picture, picture.type);
      }
    }
    if (this.state.live && !this.gone) {
      this.timer = setTimeout(this.loop, Math.max(0, EVERY_MILLIS - (performance.now() - began)));
    }
  };

  // change: what makes the right label of what was answered.
  correct = async (change) => {
    const { answer } = this.state;
    const right = change(answer.labels ?? answer.label ?? answer.value);
    try {
      await post("/v1/feedback", { id: answer.id, label: right });
      this.setState({ thanks: words(right), error: null, paused: false });
      say(`It is a sample of ${words(right)} now`);
      this.props.onChanged();
    } catch (e) {
      this.setState({ error: e.message });
    }
  };

  drop = (event) => {
    event.preventDefault();
    this.setState({ over: false });
    const file = event.dataTransfer.files[0];
    const text = event.dataTransfer.getData("text/plain");
    if (file) {
      this.file(file);
    } else if (text.trim() && this.props.head.modality === "text") {
      this.setState({ text });
      this.askText(text);
    }
  };

  paste = (event) => {
    const { files, text } = pasted(event);
    if (typing(event) || (files.length === 0 && !text)) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    if (files.length) {
      this.file(files[0]);
    } else if (this.props.head.modality === "text") {
      this.setState({ text });
      this.askText(text);
    }
  };

  render({ head, may }, { live, answer, error, over, thanks }) {
    return section(
      {
        class: `card try ${over ? "over" : ""}`,
        "aria-labelledby": "try-title",
        tabindex: -1,
        onPaste: this.paste,
        onDragOver: (e) => {
          e.preventDefault();
          this.setState({ over: true });
        },
        onDragLeave: (e) => e.currentTarget.contains(e.relatedTarget) || this.setState({ over: false }),
        onDrop: this.drop,
      },
      h2({ id: "try-title" }, "Try it"),
      head.modality === "text" ? this.textSource() : head.modality === "image" ? this.pictureSource(live) : p({ class: "muted small" }, "Heads on feature vectors are asked over HTTP: see the page ", el.a({ href: "/docs" }, "API"), "."),
      problem(error),
      answer && answered(head, answer),
      answer?.id && may && !thanks && this.wrong(answer),
      thanks && p({ class: "notice good", role: "status" }, icon("check"), `It is a sample of ${thanks} now.`),
    );
  }

  textSource() {
    const { text, busy } = this.state;
    const send = (event) => {
      event.preventDefault();
      this.askText(text);
    };
    return el.form(
      { onSubmit: send, onKeyDown: (e) => e.key === "Enter" && (e.ctrlKey || e.metaKey) && send(e) },
      textarea({ rows: 3, "aria-label": "Text to try", placeholder: "Type or paste a text, or drop a file", value: text, onInput: (e) => this.setState({ text: e.target.value }) }),
      div({ class: "row end" }, button({ class: "button", disabled: !text.trim() || busy }, "Ask")),
    );
  }

  pictureSource(live) {
    const { picture, paused } = this.state;
    const pick = (attributes, picture, words) =>
      label(
        { class: "button small" },
        icon(picture),
        words,
        input({
          type: "file",
          class: "unseen",
          accept: "image/*",
          "aria-label": `${words} to try`,
          onChange: (e) => {
            this.file(e.target.files[0]);
            e.target.value = "";
          },
          ...attributes,
        }),
      );
    return [
      div(
        { class: "adders" },
        pick({}, "files", "File"),
        cameraAllowed()
          ? button({ type: "button", class: "button small", "aria-pressed": String(live), onClick: live ? this.stop : this.start }, icon("camera"), live ? "Stop camera" : "Camera")
          : pick({ capture: "environment" }, "camera", "Camera"),
        live && button({ type: "button", class: "button small", "aria-pressed": String(paused), onClick: () => this.setState({ paused: !paused }) }, paused ? "Go on" : "Hold still"),
      ),
      div(
        { class: "try-picture" },
        live ? h(Camera, { ref: this.camera, onClose: this.stop, frozen: paused }) : picture ? img({ src: picture, alt: "The picture that was asked about" }) : p({ class: "empty" }, icon("picture"), "Drop a picture here"),
      ),
    ];
  }

  wrong(answer) {
    const { head } = this.props;
    const { paused, live } = this.state;
    return div(
      { class: "feedback", onFocusIn: () => live && !paused && this.setState({ paused: true }) },
      h(Labelling, { key: answer.id, head, labels: [answer.labels ?? answer.label ?? answer.value], title: head.task === "multi" ? "Wrong? Tick all that it is" : "Wrong? It is", action: "Tell it", disabled: false, onLabel: this.correct }),
    );
  }
}
