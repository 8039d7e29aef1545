// The tenant's values, as the pack's description types them: wit/properties.wit. An instance is made for one call, so its values
// never change and their revision does not either.

export function properties(description, given) {
  const all = typed(description.properties, given);
  return { all: () => all, revision: () => 1n };
}

/** Values as a person writes them, in the types of the contract; defaults are filled in. */
export function typed(described, given) {
  const of = ({ name, kind, default: usual }) => ({ name, value: name in given ? value(kind, given[name]) : usual });
  return described.map(of).filter(({ value }) => value);
}

function value({ tag }, given) {
  switch (tag) {
    case 'number': return { tag, val: BigInt(given) };
    case 'switch': return { tag, val: given === true || given === 'true' };
    case 'items': return { tag, val: Array.isArray(given) ? given : split(given) };
    case 'table': return { tag, val: Object.entries(given).sort(([a], [b]) => (a < b ? -1 : 1)) };
    default: return { tag: 'text', val: String(given) };
  }
}

/** At commas; `\,` is a comma. */
const split = (text) => text.split(/(?<!\\),/).map((item) => item.replaceAll('\\,', ',').trim()).filter(Boolean);
