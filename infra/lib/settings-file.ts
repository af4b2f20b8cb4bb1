import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { type Settings, settingsSchema } from './settings.ts';

const DEFAULTS_FILE = new URL('../config/default.json', import.meta.url);

/** Settings that can't be used. The message names each wrong field and says what it must be. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';

  constructor(source: string, problems: readonly string[]) {
    super([`${source}:`, ...problems.map((problem) => `  ${problem}`)].join('\n'));
  }
}

/**
 * Reads the defaults and lays the sections of another file over them, field by field. A field is
 * replaced whole, whatever its value is.
 *
 * @param path a JSON file that states what differs from the defaults
 * @throws {@link SettingsError} where a file can't be read or a field is unknown or wrong
 */
export function loadSettings(path?: string): Settings {
  const defaults = readSections(DEFAULTS_FILE, 'config/default.json');
  if (path === undefined) {
    return validate(defaults, 'config/default.json');
  }
  const settings = { ...defaults };
  for (const [section, fields] of Object.entries(readSections(path, path))) {
    settings[section] = isObject(fields)
      ? { ...(defaults[section] as object | undefined), ...fields }
      : fields;
  }
  return validate(settings, path);
}

function validate(settings: unknown, source: string): Settings {
  const result = settingsSchema.safeParse(settings);
  if (!result.success) {
    const problems = result.error.issues.flatMap((issue) => describe(issue, settings));
    throw new SettingsError(source, problems);
  }
  return result.data;
}

function describe(issue: z.core.$ZodIssue, settings: unknown): string[] {
  const field = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `${field === '' ? '' : `${field}.`}${key}: unknown setting`);
  }
  if (issue.code === 'invalid_key') {
    return issue.issues.map(({ message }) => `${field}: ${message}`);
  }
  const value = issue.path.reduce<unknown>(
    (at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key],
    settings,
  );
  const found = value === undefined ? 'missing' : JSON.stringify(value);
  return [`${field}: ${issue.message}; it is ${found}`];
}

function readSections(path: string | URL, source: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new SettingsError(source, [error instanceof Error ? error.message : String(error)]);
  }
  if (!isObject(value)) {
    throw new SettingsError(source, ['must be a JSON object of sections']);
  }
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
