import { z } from 'zod';

/** From what on an alarm is raised; each is a number of things in the time that its name says. */
export const alarmsSection = z.strictObject({
  endpointErrorsPerMinute: z.int().min(1),
  endpointLatencyMs: z.int().min(1),
  asynchronousFailuresPer5Minutes: z.int().min(1),
  // Requests wait for six hours at most.
  asynchronousOldestMinutes: z.int().min(1).max(360),
  functionErrorsPer5Minutes: z.int().min(1),
  functionThrottlesPer5Minutes: z.int().min(1),
  failedProductsPer5Minutes: z.int().min(1),
  apiErrorsPer5Minutes: z.int().min(1),
  bedrockTokensPerHour: z.int().min(1).nullable(),
  costAnomaly: z
    .strictObject({
      thresholdUsd: z.number().positive(),
      email: z.email('must be the address of whoever is told'),
      monitorArn: z
        .string()
        .regex(
          /^arn:aws[a-z-]*:ce::\d{12}:anomalymonitor\/[\w-]+$/,
          'must be the ARN of a monitor of Cost Anomaly Detection',
        )
        .nullable(),
    })
    .nullable(),
});
