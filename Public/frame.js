// The header of every page: the way to the others, the key, and the server's state.

const pages = { "./": "Ask", "gap.html": "Gap", "training.html": "Training", "weights.html": "Weights", "data.html": "Data" };
const here = location.pathname.split("/").pop().replace(/^(index\.html)?$/, "./");
const links = Object.entries(pages).map(([page, name]) => `<a href="${page}"${page === here ? ' aria-current="page"' : ""}>${name}</a>`);

const header = document.querySelector("header");
header.insertAdjacentHTML("afterbegin", `<h1>cord</h1><nav aria-label="Console">${links.join("")}</nav>`);
header.insertAdjacentHTML("beforeend", `
  <label id="key-field" hidden>Key <input id="key" type="password" autocomplete="off" placeholder="API key"></label>
  <span id="health" role="status"></span>`);
