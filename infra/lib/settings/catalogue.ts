import { z } from 'zod';
import type { Settings } from '../settings.ts';
import type { Conflict } from './conflict.ts';

/** A prefix of object keys: relative, and closed by a slash so that it names a folder. */
export const keyPrefix = z
  .string()
  .regex(
    /^[\w.-][\w./-]*\/$/,
    'must be a key prefix that ends with "/" and does not begin with one, such as "incoming/"',
  );

/** What S3 counts lifetimes in; its own limit is far beyond. */
const days = z.int().min(1).max(3650);

/** The bucket of photos and descriptions. */
export const catalogueSection = z.strictObject({
  incomingPrefix: keyPrefix,
  descriptionsPrefix: keyPrefix,
  failuresPrefix: keyPrefix,
  claimsPrefix: keyPrefix,
  callsPrefix: keyPrefix,
  capturesPrefix: keyPrefix,
  asynchronousPrefix: keyPrefix,
  encryption: z.enum(['s3', 'kms']),
  incomingDays: days.nullable(),
  failuresDays: days.nullable(),
  replacedDays: days.nullable(),
  removal: z.enum(['retain', 'destroy']),
});

/** What lies in the bucket, each with what it must not be taken for. */
export const PREFIXES = {
  incomingPrefix: 'a photo',
  descriptionsPrefix: 'a result',
  failuresPrefix: 'the record of a failure',
  claimsPrefix: 'a claim that is removed after a day',
  callsPrefix: 'an answer that is removed after some days',
  capturesPrefix: 'a captured call that is removed after some days',
  asynchronousPrefix: 'an asynchronous call that is removed after some days',
} as const;

/** Prefixes of which one lies in the other. */
export function* prefixConflicts({ catalogue }: Settings): Generator<Conflict> {
  const fields = Object.keys(PREFIXES) as (keyof typeof PREFIXES)[];
  for (const [index, field] of fields.entries()) {
    for (const other of fields.slice(0, index)) {
      const [one, two] = [catalogue[field], catalogue[other]];
      if (one.startsWith(two) || two.startsWith(one)) {
        yield {
          path: ['catalogue', field],
          message: `must lie outside of catalogue.${other} ("${two}") and not around it, or ${PREFIXES[field]} would be taken for ${PREFIXES[other]}`,
        };
      }
    }
  }
}
