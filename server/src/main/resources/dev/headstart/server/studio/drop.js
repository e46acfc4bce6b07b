// What is dropped or pasted, as files; folders with what is in them.

// The type under which samples of this page are dragged: a list of their ids.
export const DRAGGED = "application/x-headstart-samples";

// Files of a drop, each with the name of the folder that it came in, if any: [{file, folder}].
export async function dropped(transfer) {
  // The list is gone once the event is over, so the entries are taken first.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) {
    return [...transfer.files].map((file) => ({ file, folder: null }));
  }
  const found = [];
  for (const entry of entries) {
    await walk(entry, null, found);
  }
  return found;
}

async function walk(entry, folder, found) {
  if (entry.isFile) {
    const file = await new Promise((done, failed) => entry.file(done, failed));
    if (!file.name.startsWith(".")) {
      found.push({ file, folder });
    }
    return;
  }
  const reader = entry.createReader();
  // A reader gives some at a time, until it gives none.
  for (;;) {
    const some = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (some.length === 0) {
      return;
    }
    for (const child of some) {
      await walk(child, entry.name, found);
    }
  }
}

// What was pasted: files, or text that is not blank.
export function pasted(event) {
  const files = [...(event.clipboardData?.files ?? [])];
  const text = event.clipboardData?.getData("text/plain") ?? "";
  return { files, text: text.trim() ? text : "" };
}

// Whether a paste or a key was meant for what is typed into.
export const typing = (event) => event.target.closest?.("input, textarea, select, [contenteditable]") !== null;
