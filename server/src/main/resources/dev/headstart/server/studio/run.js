// A run as it goes: its server-sent events put together into what there is to show.
import { get, url } from "./api.js";

const RETRY_MILLIS = 3000;
// Small heads learn hundreds of epochs a second, more than anybody sees and than a tablet draws.
const CALM_MILLIS = 50;

export const ACTIVE = ["queued", "running"];

export class RunFollower {
  // changed: called with {run, stage, total, done, epochs, restart, warnings} when something did.
  constructor(head, id, changed) {
    this.path = url`/v1/heads/${head}/runs/${id}`;
    this.changed = changed;
    this.view = { run: null, stage: null, total: 0, done: 0, epochs: [], restart: null, warnings: [] };
    this.onVisible = () => (document.hidden ? this.pause() : this.open());
    document.addEventListener("visibilitychange", this.onVisible);
    this.open();
  }

  close() {
    this.closed = true;
    clearTimeout(this.telling);
    this.pause();
    document.removeEventListener("visibilitychange", this.onVisible);
  }

  pause() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  set(change) {
    this.view = { ...this.view, ...change };
    const now = performance.now();
    if (this.over || now - (this.told ?? 0) >= CALM_MILLIS) {
      this.tell();
    } else {
      this.telling ??= setTimeout(() => this.tell(), CALM_MILLIS);
    }
  }

  tell() {
    clearTimeout(this.telling);
    this.telling = null;
    this.told = performance.now();
    this.changed(this.view);
  }

  // An epoch may come again, with all behind it, after a restart or when the stream was opened again.
  epoch(epoch) {
    const { epochs } = this.view;
    const last = epochs[epochs.length - 1];
    if (last && (last.stage !== epoch.stage || last.epoch >= epoch.epoch)) {
      this.view.epochs = epochs.filter((e) => e.stage !== epoch.stage || e.epoch < epoch.epoch);
    }
    this.view.epochs.push(epoch);
    this.set({ stage: epoch.stage ?? this.view.stage });
  }

  open() {
    this.pause();
    if (this.closed || this.over) {
      return;
    }
    // The stream begins with the first event again, and all of them may come twice.
    const on = (kind, take) => this.source.addEventListener(kind, (event) => this.closed || take(JSON.parse(event.data)));
    this.source = new EventSource(`${this.path}/events`);
    on("state", (run) => this.set({ run: { ...this.view.run, ...run } }));
    on("stage", ({ stage, total }) => this.set({ stage, total: total ?? 0, done: 0 }));
    on("progress", ({ done }) => this.set({ done }));
    on("epoch", (epoch) => this.epoch(epoch));
    on("restart", ({ reason }) => this.set({ restart: reason, epochs: [], stage: null }));
    on("warning", ({ message }) => this.view.warnings.includes(message) || this.set({ warnings: [...this.view.warnings, message] }));
    on("end", (run) => this.end(run));
    this.source.onerror = () => {
      this.pause();
      this.timer = setTimeout(() => this.look(), RETRY_MILLIS);
    };
  }

  end(run) {
    this.over = true;
    this.pause();
    this.set({ run, epochs: run.epochs?.length ? run.epochs : this.view.epochs });
  }

  // Whether there is still something to follow.
  async look() {
    try {
      const run = await get(this.path);
      if (this.closed) {
        return;
      }
      if (ACTIVE.includes(run.state)) {
        this.set({ run, epochs: [...(run.epochs ?? [])] });
        this.open();
      } else {
        this.end(run);
      }
    } catch (e) {
      if (e.status === 404) {
        this.over = true;
      } else if (!this.closed) {
        this.timer = setTimeout(() => this.look(), RETRY_MILLIS);
      }
    }
  }
}
