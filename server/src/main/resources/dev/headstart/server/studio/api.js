// The public HTTP API, and nothing else of the server. Every failure is a Refusal in the server's words.

export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const AWAY = "The server does not answer. Is it running, and is this device still in its network?";

// A path whose values may hold anything: url`/v1/heads/${name}`.
export const url = (parts, ...values) =>
  parts.reduce((path, part, i) => path + encodeURIComponent(values[i - 1]) + part);

let locked = () => {};

// Called when a key is asked for that is not there any more.
export function onLocked(listener) {
  locked = listener;
}

function refusal(status, text) {
  let message = `The server answered with status ${status}`;
  try {
    message = JSON.parse(text).error ?? message;
  } catch {
    // A proxy's page, perhaps; its markup helps nobody.
  }
  if (status === 401) {
    locked();
  }
  return new Refusal(status, message);
}

async function call(method, path, body, type) {
  let response;
  let text;
  try {
    const json = body !== undefined && type === undefined;
    response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { "Content-Type": json ? "application/json" : type },
      body: json ? JSON.stringify(body) : body,
      cache: "no-store",
    });
    text = await response.text();
  } catch {
    throw new Refusal(0, AWAY);
  }
  if (!response.ok) {
    throw refusal(response.status, text);
  }
  return text === "" ? null : JSON.parse(text);
}

export const get = (path) => call("GET", path);
export const post = (path, body, type) => call("POST", path, body, type);
export const patch = (path, body) => call("PATCH", path, body);
export const remove = (path) => call("DELETE", path);

export async function text(path) {
  const response = await fetch(path).catch(() => {
    throw new Refusal(0, AWAY);
  });
  const body = await response.text();
  if (!response.ok) {
    throw refusal(response.status, body);
  }
  return body;
}

// Posts with progress, which fetch does not tell.
export function upload(path, body, type, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    if (type) {
      request.setRequestHeader("Content-Type", type);
    }
    request.upload.onprogress = (event) => progress(event.lengthComputable ? event.loaded / event.total : 0);
    request.onerror = () => reject(new Refusal(0, AWAY));
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) {
        resolve(request.responseText === "" ? null : JSON.parse(request.responseText));
      } else {
        reject(refusal(request.status, request.responseText));
      }
    };
    request.send(body);
  });
}
