/** API Gateway's limit. */
export const LONGEST_API_NAME = 128;

/** What the API of a stack is called. */
export function apiNameOf(stackName: string): string {
  return `${stackName}-descriptions`;
}
