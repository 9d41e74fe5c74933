// The daemon's API: what is asked, what is followed, and the token.

const tokenKey = "taskwatt-token";

/** An answer that is no success, in the daemon's own words. */
export class DaemonError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** How often a daemon that has too much to do is asked again. */
const mostRetries = 3;

async function ask(method, path, kind = "json") {
  const token = sessionStorage.getItem(tokenKey);
  let response;
  for (let tries = 0; ; tries++) {
    try {
      // What the browser has is used again only if the daemon says that it is still so (304), which costs it nothing.
      response = await fetch(path, { method, headers: token ? { Authorization: `Bearer ${token}` } : {}, cache: "no-cache" });
    } catch {
      throw new DaemonError(0, "the daemon does not answer");
    }
    const seconds = Number(response.headers.get("Retry-After"));
    if (method !== "GET" || response.status !== 503 || !seconds || tries === mostRetries) break;
    await new Promise((resolve) => setTimeout(resolve, Math.min(seconds, 30) * 1000));
  }
  const answer = await (response.ok ? response[kind]() : response.json()).catch(() => null);
  if (!response.ok) throw new DaemonError(response.status, told(answer) ?? `the daemon answers ${response.status}`);
  return answer;
}

// What an answer that is no success says: what is wrong, and what to do about it.
const told = (error) => (error?.remedy ? `${error.message}; ${error.remedy}` : error?.message);

export const get = (path) => ask("GET", path);
export const getText = (path) => ask("GET", path, "text");
export const cancel = (job) => ask("DELETE", `v1/jobs/${job}`);

export const setToken = (token) => sessionStorage.setItem(tokenKey, token);
export const dropToken = () => sessionStorage.removeItem(tokenKey);

/**
 * Follows a stream of events until it is told to stop. A browser comes back by itself after most failures; where it gives up,
 * we do not.
 *
 * @param {string} path
 * @param {{message: (value: any) => void, opened: () => void, lost: () => void}} told
 * @returns {() => void} stops it
 */
export function follow(path, told) {
  let source;
  let timer;
  const begin = () => {
    source = new EventSource(path);
    source.onopen = told.opened;
    source.onmessage = (event) => told.message(JSON.parse(event.data));
    source.onerror = () => {
      told.lost();
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(begin, 3000);
    };
  };
  begin();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}
