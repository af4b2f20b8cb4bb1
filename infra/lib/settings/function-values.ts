import type { ValueRule } from './value-rules.ts';

/** What the function writes with where `DESCRIPTION_WORDS` and `MAX_TOKENS` are not set. */
export const DEFAULT_WORDS = '80-150';
export const DEFAULT_MAX_TOKENS = '400';

/** The languages that the function writes. */
export const LANGUAGES: readonly string[] = [
  'en',
  'ar',
  'bn',
  'da',
  'de',
  'es',
  'fi',
  'fr',
  'hi',
  'it',
  'ja',
  'ko',
  'nl',
  'pl',
  'pt',
  'pt-BR',
  'ru',
  'sv',
  'ta',
  'tr',
  'zh-Hans',
  'zh-Hant',
];

/** The code of a language, in capitals or not. */
export const language: ValueRule = {
  allowed: `the code of a language: ${LANGUAGES.join(', ')}`,
  holds: (text) => LANGUAGES.some((code) => code.toLowerCase() === text.toLowerCase()),
};

const WORDS = { least: 10, most: 2000 };

/** The fewest and the most words of a description. */
export const words: ValueRule = {
  allowed: `the fewest and the most words, such as ${DEFAULT_WORDS}, each a whole number from ${String(WORDS.least)} to ${String(WORDS.most)}`,
  holds: (text) => mostWords(text) !== undefined,
};

/** The most words that such a text asks for; `undefined` where it is none. */
export function mostWords(text: string): number | undefined {
  const [, fewest, most] = /^\+?(\d+)\s*-\s*\+?(\d+)$/.exec(text) ?? [];
  const [from, to] = [Number(fewest), Number(most)];
  return WORDS.least <= from && from <= to && to <= WORDS.most ? to : undefined;
}

/** A namespace of CloudWatch that is not AWS's, or the word for none. */
export const namespace: ValueRule = {
  allowed:
    'a namespace of at most 255 letters, digits and ".-_/#:" that begins neither with ":" nor with "AWS/", or none in small letters',
  holds: (text) =>
    text === 'none' ||
    (/^[A-Za-z0-9.\-_/#:]{1,255}$/.test(text) && !/^(:|AWS\/)/.test(text) && !/^none$/i.test(text)),
};
