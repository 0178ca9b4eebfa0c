// A button that plays a clip of the server's, fetched with the key when it is first asked for. One plays at a time.

import { request } from "./api.js";
import { el } from "./page.js";

let playing = null;

function stop() {
  playing?.sound.pause();
  playing?.button.setAttribute("aria-pressed", "false");
  if (playing) playing.button.textContent = "▶";
  playing = null;
}

/** Plays what is at `path`; `name` says what that is. */
export function player(path, name) {
  let address = null;
  const button = el("button", {
    type: "button", className: "play", textContent: "▶", "aria-pressed": "false", "aria-label": `Play ${name}`,
    onclick: async () => {
      const isMine = playing?.button === button;
      stop();
      if (isMine) return;
      button.disabled = true;
      try {
        address ??= URL.createObjectURL(await (await request(path)).blob());
        const sound = new Audio(address);
        sound.addEventListener("ended", () => { if (playing?.sound === sound) stop(); });
        playing = { sound, button };
        button.setAttribute("aria-pressed", "true");
        button.textContent = "■";
        await sound.play();
      } catch (error) {
        stop();
        button.title = error.status ? error.message : "This browser cannot play the clip.";
        button.after(address && !error.status
          ? el("a", { href: address, download: "clip", textContent: "Download the clip, which this browser cannot play" })
          : el("span", { className: "problem", textContent: error.message }));
        button.remove();
      } finally { button.disabled = false; }
    },
  });
  return button;
}
