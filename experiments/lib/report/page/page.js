// The address says which claims are shown: #verdict=fails, #verdict=holds,partly; anything else shows the whole page.
(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const bar = document.getElementById("filter");
  const buttons = all("#filter button");
  const claims = all("[data-verdict]");
  const sections = all("section.artefact");
  const known = buttons.map((button) => button.dataset.choose).filter((name) => name !== "all");

  function chosen() {
    const found = /^#verdict=([a-z,]+)$/.exec(location.hash);
    return known.filter((name) => found && found[1].split(",").includes(name));
  }

  function apply() {
    const names = chosen();
    const filtered = names.length > 0;
    document.body.classList.toggle("filtered", filtered);
    for (const claim of claims) claim.hidden = filtered && !names.includes(claim.dataset.verdict);
    for (const section of sections) {
      section.hidden = filtered && !section.querySelector("[data-verdict]:not([hidden])");
    }
    for (const button of buttons) {
      const name = button.dataset.choose;
      button.setAttribute("aria-pressed", String(name === "all" ? !filtered : names.includes(name)));
    }
    const count = claims.filter((claim) => !claim.hidden).length;
    const words = `${count} of ${claims.length} claims. Figures and tables are hidden until you choose “all”.`;
    document.getElementById("shown").textContent = filtered ? words : "";
    // What was hidden until now could not be scrolled to.
    const target = document.getElementById(filtered ? "artefacts" : decodeURIComponent(location.hash.slice(1)));
    if (target) target.scrollIntoView();
  }

  for (const button of buttons) {
    button.addEventListener("click", () => {
      const name = button.dataset.choose;
      const before = chosen();
      const after = known.filter((other) => (other === name) !== before.includes(other));
      location.hash = `#verdict=${name === "all" || !after.length ? "all" : after.join(",")}`;
    });
  }
  bar.hidden = false;
  addEventListener("hashchange", apply);
  if (location.hash) apply();

  // Rows of tables are sorted by a click on the head of a column, and long tables filtered by the names of rows.
  for (const table of all("section.artefact .box:not(.records) > table")) {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells].slice(1);
    for (const [place, head] of heads.entries()) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") !== "descending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const value = (row) => parseFloat(row.cells[place + 1].dataset.sort.replace(">", ""));
        const known = (row) => (Number.isNaN(value(row)) ? 1 : 0);
        const order = (one, other) => known(one) - known(other) || (value(other) - value(one)) * (down ? 1 : -1);
        body.append(...[...body.rows].sort(order));
      });
    }
    if (body.rows.length < 8) continue;
    const words = document.createElement("input");
    words.className = "rows";
    words.type = "search";
    words.placeholder = "show rows with ...";
    words.setAttribute("aria-label", "Show the rows whose name holds");
    words.addEventListener("input", () => {
      const wanted = words.value.toLowerCase();
      for (const row of body.rows) row.hidden = !row.cells[0].textContent.toLowerCase().includes(wanted);
    });
    table.before(words);
  }

  // Paper cannot be clicked: everything is opened for it, and closed again after.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = all("details:not([open])");
    for (const each of closed) each.open = true;
  });
  addEventListener("afterprint", () => {
    for (const each of closed) each.open = false;
  });
})();
