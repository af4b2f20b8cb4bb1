import { Fn, type Stack } from 'aws-cdk-lib';
import { lowerCaseName } from '../job-names.ts';

/** The longest name of a group of models. */
const LONGEST_NAME = 63;

/** What the stack's own id adds to a name: as many characters as a UUID has before its first "-". */
const UNIQUE_LENGTH = 8;

/**
 * The name of a stack's group of models. In lower case, as SageMaker's ARNs have names. A group
 * outlives its stack, so that another stack of the same name needs another one.
 */
export function modelGroupName(stack: Stack): string {
  const end = '-models-';
  const uuid = Fn.select(2, Fn.split('/', stack.stackId));
  const beginning = lowerCaseName(stack, LONGEST_NAME - end.length - UNIQUE_LENGTH);
  return `${beginning}${end}${Fn.select(0, Fn.split('-', uuid))}`;
}

/** The ARN of a group of models. */
export function modelPackageGroupArn(stack: Stack, name: string): string {
  return stack.formatArn({
    service: 'sagemaker',
    resource: 'model-package-group',
    resourceName: name,
  });
}

/** The ARN of all models of a group. */
export function modelPackageArn(stack: Stack, name: string): string {
  return stack.formatArn({
    service: 'sagemaker',
    resource: 'model-package',
    resourceName: `${name}/*`,
  });
}
