// A class: its name, its samples, and what is dropped on it.
import { Component, createRef, h } from "./preact.js";
import { el } from "./el.js";
import { patch, remove, url } from "./api.js";
import { problem, say } from "./notice.js";
import { ask } from "./dialog.js";
import { icon } from "./icons.js";
import { count } from "./words.js";
import { DRAGGED, dropped } from "./drop.js";
import { Adders } from "./adders.js";
import { Uploading } from "./uploading.js";
import { Samples } from "./samples.js";

const { section, header, h3, div, span, button, input, details, summary, form, p } = el;

export class Column extends Component {
  menu = createRef();
  state = { renaming: null, over: false, error: null };

  add(items) {
    if (items.length > 0) {
      say(`Adding ${count(items.length, "sample")} to ${this.props.item.name}`);
      this.props.uploads.add(this.props.item.name, items);
    }
  }

  drop = async (event) => {
    event.preventDefault();
    this.setState({ over: false });
    const { may, onMove, item, head } = this.props;
    if (!may) {
      return;
    }
    const moved = event.dataTransfer.getData(DRAGGED);
    if (moved) {
      onMove(JSON.parse(moved), item.name);
      return;
    }
    const text = event.dataTransfer.getData("text/plain");
    try {
      const files = (await dropped(event.dataTransfer)).map((found) => found.file);
      this.add(files.length === 0 && text.trim() && head.modality === "text" ? [text] : files);
    } catch (e) {
      this.setState({ error: `What was dropped cannot be read: ${e.message}` });
    }
  };

  rename = async (event) => {
    event.preventDefault();
    const name = this.state.renaming.trim();
    const { head, item, onChanged } = this.props;
    if (name === item.name) {
      this.setState({ renaming: null });
      return;
    }
    try {
      await patch(url`/v1/heads/${head.head}/classes/${item.name}`, { name });
      this.setState({ renaming: null, error: null });
      onChanged();
    } catch (e) {
      this.setState({ error: e.message });
    }
  };

  remove = async () => {
    this.menu.current.open = false;
    const { head, item, onChanged } = this.props;
    const with_ = item.samples > 0 ? ` and its ${count(item.samples, "sample")}` : "";
    if (!(await ask(`Delete ${item.name}?`, `The class${with_} will be gone from this device, and is answered no more, at once.`, "Delete"))) {
      return;
    }
    try {
      await remove(url`/v1/heads/${head.head}/classes/${item.name}`);
      onChanged();
    } catch (e) {
      this.setState({ error: e.message });
    }
  };

  render(props, { renaming, over, error }) {
    const { head, item, may, uploads, upload, camera, onCamera, tick } = props;
    const id = `class-${props.number}`;
    return section(
      {
        class: `card column ${over ? "over" : ""}`,
        "aria-labelledby": id,
        onDragOver: (e) => {
          e.preventDefault();
          this.setState({ over: may });
        },
        onDragLeave: (e) => e.currentTarget.contains(e.relatedTarget) || this.setState({ over: false }),
        onDrop: this.drop,
        onPointerDown: props.onActive,
        onFocusIn: props.onActive,
      },
      header(
        { class: "row top" },
        renaming === null
          ? h3({ id, class: "grow wrap" }, item.name, " ", span({ class: "count", "aria-label": count(item.samples, "sample") }, item.samples))
          : form(
              { class: "row grow", onSubmit: this.rename, onKeyDown: (e) => e.key === "Escape" && this.setState({ renaming: null, error: null }) },
              input({ class: "grow", id, "aria-label": "New name", value: renaming, ref: (field) => field && !field.dataset.once && ((field.dataset.once = "1"), field.select()), onInput: (e) => this.setState({ renaming: e.target.value }) }),
              button({ class: "button small", disabled: !renaming.trim() }, "Rename"),
            ),
        head.version && item.known === false && item.samples > 0 && span({ class: "badge warn", title: "The live version was not taught this class. It is answered by what its samples have in common, until the next teaching." }, "new"),
        may && this.more(item),
      ),
      problem(error, () => this.setState({ error: null })),
      may && h(Adders, { head, name: item.name, camera, onCamera, onItems: (items) => this.add(items) }),
      h(Uploading, { uploads, name: item.name }),
      h(Samples, {
        head,
        label: item.name,
        title: `Samples of ${item.name}`,
        tick,
        may,
        selected: props.selected,
        onSelect: props.onSelect,
        onOpen: props.onOpen,
        onDelete: props.onDelete,
        onShown: props.onShown,
      }),
      item.samples === 0 && !upload && !camera && p({ class: "empty" }, icon(head.modality === "text" ? "text" : "picture"), may ? `Drop ${head.modality === "text" ? "text files" : "pictures"} here, or paste` : "Nothing here yet"),
    );
  }

  more(item) {
    return details(
      {
        class: "menu",
        ref: this.menu,
        onFocusOut: (e) => e.currentTarget.contains(e.relatedTarget) || (e.currentTarget.open = false),
        onKeyDown: (e) => {
          if (e.key === "Escape" && e.currentTarget.open) {
            e.currentTarget.open = false;
            e.currentTarget.querySelector("summary").focus();
          }
        },
      },
      summary({ class: "icon-button", "aria-label": `More for ${item.name}` }, icon("more")),
      div(
        { class: "menu-items" },
        button(
          {
            type: "button",
            onClick: () => {
              this.menu.current.open = false;
              this.setState({ renaming: item.name });
            },
          },
          "Rename",
        ),
        button({ type: "button", class: "danger-text", onClick: this.remove }, "Delete class"),
      ),
    );
  }
}
