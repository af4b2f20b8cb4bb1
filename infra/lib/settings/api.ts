import { z } from 'zod';
import type { Settings } from '../settings.ts';
import type { Conflict } from './conflict.ts';

/** Who issues the tokens of callers, and for whom. */
const jwt = z.strictObject({
  issuer: z
    .string()
    .regex(
      /^https:\/\/[a-z0-9.-]+(:\d+)?(\/[\w./~-]*)?$/i,
      'must be the address of the issuer as it stands in its tokens, such as "https://login.example/"',
    ),
  audience: z.array(z.string().min(1)).min(1),
  scopes: z.array(z.string().min(1)),
});

const domain = z.strictObject({
  name: z
    .string()
    .regex(
      /^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$/,
      'must be a domain name in lower case, such as "descriptions.shop.example"',
    ),
  certificateArn: z
    .string()
    .regex(
      /^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[\w-]+$/,
      'must be the ARN of a certificate of ACM in the region of the stack',
    ),
  hostedZone: z
    .strictObject({
      id: z.string().regex(/^Z[A-Z0-9]{1,31}$/, 'must be the id of a hosted zone of Route 53'),
      name: z
        .string()
        .regex(
          /^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$/,
          'must be the domain of the hosted zone, such as "shop.example"',
        ),
    })
    .nullable(),
});

/** The HTTP API. */
export const apiSection = z.strictObject({
  authorization: z.enum(['iam', 'jwt', 'none']),
  jwt: jwt.nullable(),
  requestsPerSecond: z.number().positive(),
  burst: z.int().min(1),
  allowedOrigins: z.array(
    z
      .string()
      .regex(
        /^(\*|https?:\/\/[a-z0-9.-]+(:\d+)?)$/,
        'must be an origin, such as "https://shop.example", or "*"',
      ),
  ),
  domain: domain.nullable(),
  idempotencyDays: z.int().min(1).max(365).nullable(),
});

/** Tokens that nobody looks at, or a look at tokens of nobody; a zone without the domain. */
export function* apiConflicts({ api }: Settings): Generator<Conflict> {
  if (api.authorization === 'jwt' && api.jwt === null) {
    yield {
      path: ['api', 'jwt'],
      message: 'must say whose tokens are taken where api.authorization is "jwt"',
    };
  }
  if (api.authorization !== 'jwt' && api.jwt !== null) {
    yield {
      path: ['api', 'jwt'],
      message: `must be null where api.authorization is "${api.authorization}": no token would be asked for`,
    };
  }
  const zone = api.domain?.hostedZone;
  if (api.domain && zone && !`.${api.domain.name}`.endsWith(`.${zone.name}`)) {
    yield {
      path: ['api', 'domain', 'name'],
      message: `must lie in api.domain.hostedZone ("${zone.name}")`,
    };
  }
}
