import type { Overrides } from './support.ts';

/** An image of the trainer in AWS's example account. */
export const TRAINER_URI = '111122223333.dkr.ecr.eu-west-1.amazonaws.com/lookbook/trainer:1.0.0';

/** Overrides of a stack that trains, without an image to build. */
export function training(overrides: Record<string, unknown> = {}): Overrides {
  return { training: { enabled: true, containerImage: { uri: TRAINER_URI }, ...overrides } };
}
