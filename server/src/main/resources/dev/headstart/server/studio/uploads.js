// What is on its way to a head: one request at a time, as many samples in each as it may hold. What the server refuses
// stays beside the class that it was for, in the server's words; what it could not be told waits to be sent again.
import { Refusal, upload, url } from "./api.js";
import { bytes, count } from "./words.js";

// Below the server's own bounds of a request.
const SAMPLES = 32;
const BYTES = 16_000_000;

const size = (item) => (item instanceof Blob ? item.size : item.length);
const lines = (item) => item instanceof Blob && /\.(jsonl|ndjson)$/i.test(item.name ?? "");

export class Uploads {
  #head;
  #changed;
  #waiting = new Map();
  #states = new Map();
  #busy = false;

  // changed: called whenever a state did; with the server's answer where there is one.
  constructor(head, changed) {
    this.#head = head;
    this.#changed = changed;
  }

  // What is on its way to a class: {total, done, refused: [{name, error}], stalled, said}; null for nothing.
  state(label) {
    return this.#states.get(label) ?? null;
  }

  // The classes that something is on its way to, or was refused for.
  labels() {
    return [...this.#states.keys()];
  }

  // Files, pictures or strings for a class.
  add(label, items) {
    if (items.length === 0) {
      return;
    }
    const before = this.#states.get(label);
    const state = before && (before.done < before.total || before.refused.length) ? before : { total: 0, done: 0, refused: [], stalled: null, said: null };
    this.#states.set(label, { ...state, total: state.total + items.length, stalled: null, said: null });
    this.#waiting.set(label, [...(this.#waiting.get(label) ?? []), ...items]);
    this.#changed();
    this.#run();
  }

  retry(label) {
    this.#set(label, { stalled: null });
    this.#run();
  }

  forget(label) {
    this.#waiting.delete(label);
    this.#states.delete(label);
    this.#changed();
  }

  #set(label, change) {
    const state = this.#states.get(label);
    if (state) {
      this.#states.set(label, { ...state, ...change });
      this.#changed();
    }
  }

  async #run() {
    if (this.#busy) {
      return;
    }
    this.#busy = true;
    for (let next = this.#next(); next; next = this.#next()) {
      await this.#send(...next);
    }
    this.#busy = false;
  }

  // A class, and what goes to it in one request; null for nothing.
  #next() {
    for (const [label, items] of this.#waiting) {
      if (items.length === 0 || this.#states.get(label)?.stalled) {
        continue;
      }
      const alone = lines(items[0]) ? 1 : 0;
      let n = 0;
      for (let sum = 0; n < (alone || SAMPLES) && n < items.length; n++) {
        sum += size(items[n]);
        const other = typeof items[n] !== typeof items[0] || (n > 0 && lines(items[n]));
        if (n > 0 && (sum > BYTES || other)) {
          break;
        }
      }
      this.#waiting.set(label, items.slice(n));
      return [label, items.slice(0, n)];
    }
    return null;
  }

  async #send(label, items) {
    const before = this.#states.get(label)?.done;
    if (before === undefined) {
      return;
    }
    const path = url`/v1/heads/${this.#head}/samples`;
    const progress = (share) => this.#set(label, { done: before + Math.min(items.length * share, items.length - 0.5) });
    try {
      let answer;
      if (typeof items[0] === "string") {
        answer = await upload(path, JSON.stringify({ label, samples: items.map((text) => ({ text })) }), "application/json", progress);
      } else if (lines(items[0])) {
        answer = await upload(path + url`?label=${label}`, items[0], "application/jsonl", progress);
      } else {
        const form = new FormData();
        form.append("label", label);
        items.forEach((item) => form.append("file", item, item.name ?? "picture.jpg"));
        answer = await upload(path, form, null, progress);
      }
      this.#took(label, before + items.length, { ...answer, refused: (answer.refused ?? []).map((r) => ({ ...r, name: told(items, r.name) })) });
    } catch (e) {
      if (e instanceof Refusal && (e.status === 0 || e.status === 503)) {
        this.#waiting.set(label, [...items, ...(this.#waiting.get(label) ?? [])]);
        this.#set(label, { done: before, stalled: e.message });
      } else if (e.status === 413 && items.length > 1) {
        // This server takes less at once than others do.
        const half = Math.ceil(items.length / 2);
        await this.#send(label, items.slice(0, half));
        await this.#send(label, items.slice(half));
      } else if (e.status === 413) {
        const refused = [{ name: nameOf(items[0]), error: `${bytes(size(items[0]))} are more than the server takes at once` }];
        this.#took(label, before + 1, { refused });
      } else {
        const name = items.length === 1 ? nameOf(items[0]) : count(items.length, "sample");
        // Of one sample the server names it once more.
        const error = e.message.replace(`the sample cannot be used: ${name}: `, "");
        this.#took(label, before + items.length, { refused: [{ name, error }] });
      }
    }
  }

  #took(label, done, answer) {
    const state = this.#states.get(label);
    if (!state) {
      return;
    }
    const refused = [...state.refused, ...(answer.refused ?? [])];
    const said = [];
    if (answer.known) {
      said.push(`${count(answer.known, "sample")} ${answer.known === 1 ? "was" : "were"} here already`);
    }
    if (answer.moved) {
      said.push(`${count(answer.moved, "sample")} came from another class`);
    }
    const over = done >= state.total;
    if (over && refused.length === 0 && said.length === 0) {
      this.#states.delete(label);
    } else {
      this.#states.set(label, { ...state, done, refused, said: said.join(", ") || state.said });
    }
    this.#changed(answer);
  }
}

// The server counts samples and lines where a request names none; a person knows their file, or what was typed.
function told(items, name) {
  const number = /^sample (\d+)$/.exec(name)?.[1];
  return lines(items[0]) ? `${nameOf(items[0])}, ${name}` : typeof items[0] === "string" && items[number] !== undefined ? nameOf(items[number]) : name;
}

const nameOf = (item) => (item instanceof Blob ? (item.name ?? "picture") : `“${item.slice(0, 40)}”`);
