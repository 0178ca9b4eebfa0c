// The order and the lanes of versions, each below the one that it grew from.

/**
 * Versions as places of a picture, from the oldest down: `{ version, lane, from, up, down, passing }`. The line that leads to the version in force, else to the
 * newest one, keeps its lane; forks stand beside it, before it goes on. A version whose parent is gone grows from the base.
 */
export function lineage(versions, inForce) {
  const known = new Map(versions.map(version => [version.id, version]));
  const below = new Map();
  for (const version of [...versions].sort((a, b) => a.created_at - b.created_at)) {
    const parent = known.has(version.parent) ? version.parent : null;
    below.set(parent, [...below.get(parent) ?? [], version]);
  }
  const ancestors = new Set();
  for (let id = inForce; known.has(id); id = known.get(id).parent) ancestors.add(id);
  const list = [];
  // Without recursion: a line of steps is as deep as it is long.
  const open = [];
  const grow = (parent, lane, passing) => {
    const children = [...below.get(parent) ?? []];
    if (!children.length) return false;
    const main = children.find(child => ancestors.has(child.id)) ?? children.at(-1);
    const forks = children.filter(child => child !== main);
    // The last that is put on the pile is taken first.
    open.push({ version: main, lane, from: lane, passing });
    for (const fork of forks.reverse()) open.push({ version: fork, lane: lane + 1, from: lane, passing: [...passing, lane] });
    return true;
  };
  grow(null, 0, []);
  while (open.length) {
    const place = open.pop();
    list.push({ ...place, up: true, down: grow(place.version.id, place.lane, place.passing) });
  }
  return list;
}
