// Classes side by side; what is selected in them, and where to it goes.
import { Component, createRef, h } from "./preact.js";
import { el } from "./el.js";
import { patch, post, remove, url } from "./api.js";
import { hint, problem, say } from "./notice.js";
import { Dialog, ask } from "./dialog.js";
import { icon } from "./icons.js";
import { count } from "./words.js";
import { cameraAllowed } from "./camera.js";
import { dropped, pasted, typing } from "./drop.js";
import { Uploads } from "./uploads.js";
import { Uploading } from "./uploading.js";
import { Column } from "./column.js";
import { Numbers } from "./numbers.js";
import { Strays } from "./strays.js";
import { Labelling, also } from "./labelling.js";
import { SampleView } from "./sample-view.js";
import { samplePath } from "./sample.js";

const { div, section, h3, form, input, button, select, option, span, p, label, code } = el;

const IDS_AT_ONCE = 50;

export class Classes extends Component {
  state = { selected: new Map(), camera: null, open: null, name: "", error: null, over: false, pasted: null, labelling: false, busy: null };
  // The class that a paste is for: the last one that was touched.
  active = null;
  shown = new Map();
  numbers = createRef();

  constructor(props) {
    super(props);
    this.uploads = new Uploads(props.head.head, (answer) => {
      this.setState({});
      if (answer) {
        this.props.onChanged();
      }
    });
  }

  componentDidMount() {
    addEventListener("paste", this.paste);
    addEventListener("keydown", this.key);
  }

  componentWillUnmount() {
    removeEventListener("paste", this.paste);
    removeEventListener("keydown", this.key);
  }

  names() {
    return this.props.head.classes.map((c) => c.name);
  }

  key = (event) => {
    if (event.key === "Escape" && this.state.selected.size > 0 && !typing(event) && !document.querySelector("dialog[open]")) {
      this.setState({ selected: new Map() });
    }
  };

  paste = (event) => {
    const { may, head } = this.props;
    if (!may || typing(event) || document.querySelector("dialog[open]") || event.target.closest?.(".try")) {
      return;
    }
    const { files, text } = pasted(event);
    const items = files.length ? files : text && head.modality === "text" ? [text] : [];
    if (items.length === 0) {
      return;
    }
    event.preventDefault();
    if (head.task === "regression") {
      this.numbers.current.add(items);
    } else if (this.names().includes(this.active)) {
      this.uploads.add(this.active, items);
      say(`Pasted into ${this.active}`);
    } else {
      this.setState({ pasted: items });
    }
  };

  // What is selected may be gone, or have another class by now.
  onShown = (name, samples) => {
    this.shown.set(name, samples);
    const { selected } = this.state;
    if (selected.size > 0) {
      const all = new Map([...this.shown.values()].flat().map((s) => [s.id, s]));
      this.setState({ selected: new Map([...selected].filter(([id]) => all.has(id))) });
    }
  };

  // words: what is being done.
  async act(words, action) {
    this.setState({ busy: words, error: null });
    try {
      await action();
    } catch (e) {
      this.setState({ error: e.message });
    }
    this.setState({ busy: null });
    this.props.onChanged();
  }

  // Of a drag, samples that this page shows; where a sample may have several classes, it is of one more.
  move = (ids, to) => this.relabel(ids, this.props.head.task === "multi" ? also(to) : () => to, to);

  // One after another: of each the server says whether it could be done.
  relabel = (ids, change, to) =>
    this.act("Moving…", async () => {
      const shown = new Map([...this.shown.values()].flat().map((s) => [s.id, s]));
      let done = 0;
      for (const id of ids) {
        await patch(samplePath(this.props.head.head, id), { label: change(shown.get(id)?.label) });
        this.setState({ busy: `${++done} of ${ids.length} moved` });
      }
      this.setState({ selected: new Map(), labelling: false });
      say(`${count(ids.length, "sample")} moved${to === undefined ? "" : ` to ${to}`}`);
    });

  delete = async (chosen) => {
    const ids = [...chosen.keys()];
    if (!(await ask(`Delete ${count(ids.length, "sample")}?`, "Their bytes and features will be gone from this device. Versions that learned from them are marked; the next teaching is without them.", "Delete"))) {
      return;
    }
    await this.act("Deleting…", async () => {
      for (let i = 0; i < ids.length; i += IDS_AT_ONCE) {
        await remove(url`/v1/heads/${this.props.head.head}/samples?id=${ids.slice(i, i + IDS_AT_ONCE).join(",")}`);
      }
      this.setState({ selected: new Map() });
      say(`${count(ids.length, "sample")} deleted`);
    });
  };

  addClass = (event) => {
    event.preventDefault();
    const name = this.state.name.trim();
    this.act("Adding…", async () => {
      await post(url`/v1/heads/${this.props.head.head}/classes`, { name });
      this.setState({ name: "" });
      this.active = name;
      say(`Class ${name} added`);
    });
  };

  // Folders become classes of their names.
  dropFolders = async (event) => {
    event.preventDefault();
    this.setState({ over: false });
    if (!this.props.may) {
      return;
    }
    try {
      const folders = new Map();
      for (const { file, folder } of await dropped(event.dataTransfer)) {
        folders.set(folder, [...(folders.get(folder) ?? []), file]);
      }
      const loose = folders.get(null);
      folders.delete(null);
      folders.forEach((files, name) => this.uploads.add(name, files));
      if (loose) {
        this.setState({ pasted: loose });
      }
    } catch (e) {
      this.setState({ error: `What was dropped cannot be read: ${e.message}` });
    }
  };

  render({ head, may, tick }, { selected, camera, open, error, labelling, pasted: items }) {
    const choosing = (name) => ({
      selected,
      onSelect: (next) => this.setState({ selected: next }),
      onOpen: (sample) => this.setState({ open: sample }),
      onDelete: this.delete,
      onShown: (samples) => this.onShown(name, samples),
    });
    const numbers = head.task === "regression";
    return section(
      { class: "classes", "aria-label": numbers ? "Samples" : "Classes" },
      problem(error, () => this.setState({ error: null })),
      head.modality === "image" && !cameraAllowed() && may &&
        hint("Browsers show live pictures to pages over https only. The camera buttons take single pictures meanwhile. With ", code(null, "./headstart serve --host 0.0.0.0 --tls auto"), " the server speaks https."),
      numbers
        ? h(Numbers, { ref: this.numbers, head, may, tick, uploads: this.uploads, choosing: choosing(undefined), onError: (words) => this.setState({ error: words }) })
        : div(
            { class: "columns" },
            head.classes.map((item, number) =>
              h(Column, {
                key: item.name,
                number,
                head,
                item,
                tick,
                may,
                uploads: this.uploads,
                upload: this.uploads.state(item.name),
                camera: camera === item.name,
                onCamera: (on) => this.setState({ camera: on ? item.name : null }),
                onActive: () => {
                  this.active = item.name;
                },
                onMove: this.move,
                onChanged: this.props.onChanged,
                ...choosing(item.name),
              }),
            ),
            head.task === "multi" && h(Strays, { head, may, tick, onMove: (ids) => this.relabel(ids, () => []), ...choosing(null) }),
            may && this.newClass(head),
          ),
      selected.size > 0 && this.bar(head, may, selected),
      open &&
        h(SampleView, {
          head,
          sample: open,
          may,
          onClose: (changed) => {
            this.setState({ open: null });
            if (changed) {
              this.props.onChanged();
            }
          },
        }),
      items && this.where(items),
      labelling && this.labelling([...selected.values()]),
    );
  }

  newClass(head) {
    const { name, over } = this.state;
    // On their way to classes that the server does not list yet.
    const coming = this.uploads.labels().filter((label) => !this.names().includes(label));
    return form(
      {
        class: `card column new-class ${over ? "over" : ""}`,
        onSubmit: this.addClass,
        onDragOver: (e) => {
          e.preventDefault();
          this.setState({ over: true });
        },
        onDragLeave: (e) => e.currentTarget.contains(e.relatedTarget) || this.setState({ over: false }),
        onDrop: this.dropFolders,
      },
      h3(null, label({ for: "new-class" }, head.classes.length === 0 ? "Add the first class" : "Add a class")),
      div(
        { class: "row" },
        input({ id: "new-class", class: "grow", autocomplete: "off", placeholder: head.classes.length ? "another kind" : "good", maxlength: 200, value: name, onInput: (e) => this.setState({ name: e.target.value }) }),
        button({ class: "button", disabled: !name.trim() }, icon("plus"), "Add"),
      ),
      p({ class: "muted small" }, "Or drop folders here: each becomes a class of its name."),
      coming.map((label) => h(Uploading, { key: label, uploads: this.uploads, name: label, title: label })),
    );
  }

  bar(head, may, selected) {
    const ids = [...selected.keys()];
    const { busy } = this.state;
    const several = head.task === "multi";
    return div(
      { class: "selection", role: "toolbar", "aria-label": "What to do with the selected samples" },
      span({ class: "grow", role: "status" }, busy ?? `${ids.length} selected`),
      ids.length === 1 && button({ type: "button", class: "button small", onClick: () => this.setState({ open: [...selected.values()][0] }) }, "Look"),
      may &&
        head.task === "single" &&
        select(
          { "aria-label": "Move to", value: "", disabled: busy !== null, onChange: (e) => e.target.value && this.move(ids, e.target.value) },
          option({ value: "" }, "Move to…"),
          this.names().map((name) => option({ key: name, value: name }, name)),
        ),
      may && head.task !== "single" && button({ type: "button", class: "button small", disabled: busy !== null, onClick: () => this.setState({ labelling: true }) }, several ? "Classes…" : "Number…"),
      may && button({ type: "button", class: "button small danger", disabled: busy !== null, onClick: () => this.delete(selected) }, "Delete"),
      button({ type: "button", class: "icon-button", "aria-label": "Select nothing", onClick: () => this.setState({ selected: new Map() }) }, icon("close")),
    );
  }

  labelling(samples) {
    const { head } = this.props;
    const { busy, error } = this.state;
    const several = head.task === "multi";
    const these = samples.length === 1 ? "this sample" : `these ${samples.length} samples`;
    return h(
      Dialog,
      { title: several ? `Classes of ${these}` : `The number of ${these}`, onClose: () => this.setState({ labelling: false }) },
      h(Labelling, {
        head,
        labels: samples.map((s) => s.label),
        title: several ? "Tick all that it is; nothing at all is fine too" : "It is",
        action: busy ?? "Save",
        disabled: busy !== null,
        onLabel: (change) => this.relabel(samples.map((s) => s.id), change),
      }),
      problem(error),
    );
  }

  // Pasted or dropped where no class was meant.
  where(items) {
    const close = () => this.setState({ pasted: null });
    return h(
      Dialog,
      { title: "Where does it belong?", onClose: close },
      p(null, `${count(items.length, "sample")} to add. Which class?`),
      this.names().length === 0 && p({ class: "muted" }, "There is no class yet. Add one first, then paste again."),
      div(
        { class: "row wrap-row" },
        this.names().map((name, i) =>
          button(
            {
              type: "button",
              key: name,
              autofocus: i === 0,
              class: "button wrap",
              onClick: () => {
                this.uploads.add(name, items);
                this.active = name;
                close();
              },
            },
            name,
          ),
        ),
      ),
    );
  }
}
