/** What a value that is given as text has to be. */
export interface ValueRule {
  /** In words, to stand after "must be". */
  readonly allowed: string;
  readonly holds: (text: string) => boolean;
}

/** As Rust reads numbers, but for those that are none. */
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** A whole number within bounds, both included. */
export function whole(least: number, most: number | bigint): ValueRule {
  return {
    allowed: `a whole number from ${String(least)} to ${String(most)}`,
    holds: (text) => /^\+?\d+$/.test(text) && BigInt(text) >= least && BigInt(text) <= most,
  };
}

/** A number within bounds, both included. */
export function number(least: number, most: number): ValueRule {
  return {
    allowed: `a number from ${short(least)} to ${short(most)}`,
    holds: (text) => NUMBER.test(text) && Number(text) >= least && Number(text) <= most,
  };
}

/** A share that leaves something over, also in the precision in which it is computed with. */
export const shareBelowOne: ValueRule = {
  allowed: 'a number of at least 0 and below 1, to the precision of f32',
  holds: (text) => NUMBER.test(text) && Number(text) >= 0 && Math.fround(Number(text)) < 1,
};

/** Yes or no, in the words that the trainer knows. */
export const flag: ValueRule = {
  allowed: 'true or false',
  holds: (text) => ['true', '1', 'yes', 'false', '0', 'no'].includes(text.toLowerCase()),
};

/** One of some words. */
export function oneOf(...choices: readonly string[]): ValueRule {
  return {
    allowed: `one of ${choices.join(', ')}`,
    holds: (text) => choices.includes(text),
  };
}

/** A word that stands for something, beside what another rule takes. */
export function orElse(word: string, rule: ValueRule): ValueRule {
  return {
    allowed: word === '' ? rule.allowed : `${rule.allowed}, or ${word}`,
    holds: (text) => text === word || rule.holds(text),
  };
}

/** A file in a folder, and nothing outside it. */
export const fileName: ValueRule = {
  allowed: "a file's name",
  holds: (text) => text !== '' && !text.includes('/') && text !== '.' && text !== '..',
};

/** A folder by its whole path, or one below another place. */
export const folder: ValueRule = {
  allowed: "a whole path, or a channel's name and a folder in it",
  holds: (text) => text.startsWith('/') || !/^\.(\/|$)|(^|\/)\.\.(\/|$)/.test(text),
};

/** Any text. */
export const anyText: ValueRule = { allowed: 'text', holds: () => true };

/** Text that is not too long. */
export function textOf(characters: number): ValueRule {
  return {
    allowed: `text of at most ${String(characters)} characters`,
    holds: (text) => Array.from(text).length <= characters,
  };
}

/** As the trainer writes numbers. */
function short(number: number): string {
  return String(number).replace('e+', 'e');
}
