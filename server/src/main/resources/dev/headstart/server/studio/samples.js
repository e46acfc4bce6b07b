// The samples of a class, newest first, a page at a time. A list to select in: click or Space selects, Shift takes all
// between, Enter or a double click opens, arrows move, Delete deletes.
import { Component, createRef, h } from "./preact.js";
import { el } from "./el.js";
import { get, url } from "./api.js";
import { DRAGGED } from "./drop.js";
import { problem } from "./notice.js";
import { Face, sampleName } from "./sample.js";
import { count, label } from "./words.js";

const { ul, li, button, p, span } = el;

const PAGE = 24;
const MOST_AT_ONCE = 200;

export class Samples extends Component {
  list = createRef();
  // How many are to be shown, if there are as many.
  wanted = PAGE;
  state = { samples: null, total: 0, next: null, error: null, focus: 0, loading: false };

  componentDidMount() {
    this.load();
  }

  componentDidUpdate(before) {
    if (before.tick !== this.props.tick || before.label !== this.props.label) {
      this.load();
    }
  }

  path(limit, after) {
    const { head, label: name } = this.props;
    return (
      url`/v1/heads/${head.head}/samples?limit=${limit}` +
      (name === undefined ? "" : url`&label=${name}`) +
      (after ? url`&after=${after}` : "")
    );
  }

  // As many as are wanted, as they are now.
  load = async () => {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const { wanted } = this;
    try {
      let page = await get(this.path(Math.min(wanted, MOST_AT_ONCE)));
      let samples = page.samples;
      while (page.next && samples.length < wanted) {
        page = await get(this.path(Math.min(wanted - samples.length, MOST_AT_ONCE), page.next));
        samples = [...samples, ...page.samples];
      }
      if (turn === this.turn) {
        this.setState({ samples, total: page.total, next: page.next, error: null, loading: false }, this.arrived);
        this.props.onShown(samples);
      }
    } catch (e) {
      if (turn === this.turn) {
        this.setState({ error: e.message, loading: false });
      }
    }
  };

  more = () => {
    const from = this.state.samples.length;
    this.wanted = from + PAGE * 2;
    // The button moves away under the keyboard, or is gone.
    this.arrived = () => {
      this.arrived = undefined;
      this.setState({ focus: from }, () => this.list.current?.children[from]?.focus({ preventScroll: true }));
    };
    this.setState({ loading: true });
    this.load();
  };

  toggle(i, range) {
    const { selected, onSelect } = this.props;
    const next = new Map(selected);
    const { samples } = this.state;
    if (range) {
      const [from, to] = [Math.min(this.state.focus, i), Math.max(this.state.focus, i)];
      samples.slice(from, to + 1).forEach((s) => next.set(s.id, s));
    } else if (next.has(samples[i].id)) {
      next.delete(samples[i].id);
    } else {
      next.set(samples[i].id, samples[i]);
    }
    this.setState({ focus: i });
    onSelect(next);
  }

  // The item above or below, as the grid lies now.
  beside(i, down) {
    const items = [...this.list.current.children];
    const x = items[i].offsetLeft;
    const y = items[i].offsetTop;
    const step = down ? 1 : -1;
    for (let k = i + step; k >= 0 && k < items.length; k += step) {
      if (items[k].offsetTop !== y && Math.abs(items[k].offsetLeft - x) < 2) {
        return k;
      }
    }
    return i;
  }

  key = (event, i) => {
    const { samples } = this.state;
    const moves = {
      ArrowRight: () => Math.min(i + 1, samples.length - 1),
      ArrowLeft: () => Math.max(i - 1, 0),
      ArrowDown: () => this.beside(i, true),
      ArrowUp: () => this.beside(i, false),
      Home: () => 0,
      End: () => samples.length - 1,
    };
    if (moves[event.key]) {
      const to = moves[event.key]();
      this.setState({ focus: to });
      this.list.current.children[to].focus();
      if (event.shiftKey) {
        this.props.onSelect(new Map(this.props.selected).set(samples[i].id, samples[i]).set(samples[to].id, samples[to]));
      }
    } else if (event.key === " ") {
      this.toggle(i, event.shiftKey);
    } else if (event.key === "Enter") {
      this.props.onOpen(samples[i]);
    } else if (event.key === "Delete" && this.props.may) {
      this.props.onDelete(this.props.selected.has(samples[i].id) ? this.props.selected : new Map([[samples[i].id, samples[i]]]));
    } else if (event.key === "a" && (event.ctrlKey || event.metaKey)) {
      this.props.onSelect(new Map([...this.props.selected, ...samples.map((s) => [s.id, s])]));
    } else {
      return;
    }
    event.preventDefault();
  };

  item = (sample, i) => {
    const { head, selected, onOpen, may, label: name } = this.props;
    const chosen = selected.has(sample.id);
    const words = sample.state === "unreadable" ? `, unreadable: ${sample.reason}` : sample.state === "pending" ? ", not looked at yet" : "";
    return li(
      {
        key: sample.id,
        role: "option",
        class: `sample ${sample.state}`,
        "aria-selected": String(chosen),
        "aria-label": sampleName(sample) + words,
        title: sampleName(sample) + words,
        tabindex: i === Math.min(this.state.focus, this.state.samples.length - 1) ? 0 : -1,
        draggable: may,
        onClick: (e) => this.toggle(i, e.shiftKey),
        onDblClick: () => onOpen(sample),
        onKeyDown: (e) => this.key(e, i),
        onDragStart: (e) => {
          const moved = chosen ? [...selected.keys()] : [sample.id];
          e.dataTransfer.setData(DRAGGED, JSON.stringify(moved));
          e.dataTransfer.effectAllowed = "move";
        },
      },
      h(Face, { head, sample }),
      name === undefined && span({ class: "caption" }, label(sample.label)),
    );
  };

  render({ head, title }, { samples, total, next, error, loading }) {
    return [
      problem(error),
      samples?.length > 0 &&
        ul(
          { ref: this.list, class: head.modality === "text" ? "samples texts" : "samples", role: "listbox", "aria-multiselectable": "true", "aria-label": title },
          samples.map(this.item),
        ),
      next && button({ type: "button", class: "button quiet wide", disabled: loading, onClick: this.more }, loading ? "Looking…" : `Show more (${count(total - samples.length, "sample")})`),
      samples === null && !error && p({ class: "samples-wait" }),
    ];
  }
}
