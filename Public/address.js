// The page's address says what is seen, so that it can be sent to somebody.

/** Puts members into the address's query; an empty one goes. */
export function remember(members) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(members)) if (value) query.set(name, value); else query.delete(name);
  history.replaceState(null, "", `?${query}`);
}
