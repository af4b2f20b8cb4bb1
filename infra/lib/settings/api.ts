import { z } from 'zod';

/** The HTTP API. */
export const apiSection = z.strictObject({
  authorization: z.enum(['iam', 'none']),
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
  idempotencyDays: z.int().min(1).max(365).nullable(),
});
