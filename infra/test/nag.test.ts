import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AwsSolutionsChecks } from 'cdk-nag';
import { assemblyFolder } from './support.ts';
import { type Variant, VARIANT_NAMES, variantStack } from './variants.ts';
import { WILDCARDS } from './wildcards.ts';

/** One finding of cdk-nag at one resource of a variant. */
interface Finding {
  readonly variant: Variant;
  /** The rule and, in brackets, what of the resource it is about. */
  readonly rule: string;
  /** The construct's path below the stack. */
  readonly at: string;
}

interface Suppression {
  readonly covers: (finding: Finding) => boolean;
  readonly reason: string;
}

/** Each finding that is let pass, and why. One that finds nothing any more has to go. */
const SUPPRESSIONS: readonly Suppression[] = [
  ...WILDCARDS.map(({ resource, reason }) => ({
    covers: ({ rule }: Finding) => resource.test(wildcardIn(rule)),
    reason,
  })),
  {
    covers: ({ rule, at }) => rule === 'AwsSolutions-SQS3' && at === 'Describe/Failures/Resource',
    reason: 'it is where asynchronous invocations end that failed: a queue of dead letters itself',
  },
  {
    covers: ({ rule, at }) => rule === 'AwsSolutions-APIG4' && at.startsWith('Api/Api/POST--'),
    reason: 'api.authorization "none" is what the settings ask for',
  },
];

/** The resource that a finding of a wildcard is about, as `asText` writes it. */
function wildcardIn(rule: string): string {
  const [, resource = ''] = /^AwsSolutions-IAM5\[Resource::(.*)\]$/.exec(rule) ?? [];
  return resource.replaceAll(/<([^>]*)>/g, '$${$1}');
}

function findings(variant: Variant): Finding[] {
  const stack = variantStack(variant);
  // Rules look at what synthesis has made of the constructs.
  assemblyFolder(stack);
  return new AwsSolutionsChecks().validateScope(stack).violations.flatMap((violation) =>
    violation.violatingResources.map(({ constructPath = '' }) => ({
      variant,
      rule: violation.ruleName,
      at: constructPath.slice(constructPath.indexOf('/') + 1),
    })),
  );
}

describe("cdk-nag's AWS Solutions checks", () => {
  const all = VARIANT_NAMES.flatMap(findings);
  const suppressionOf = (finding: Finding) => SUPPRESSIONS.find(({ covers }) => covers(finding));

  it('find nothing in any variant that is not let pass with a reason', (test) => {
    const open = all.filter((finding) => suppressionOf(finding) === undefined);
    test.diagnostic(
      `${String(all.length)} findings in ${String(VARIANT_NAMES.length)} variants, ${String(all.length - open.length)} of them suppressed by ${String(SUPPRESSIONS.length)} suppressions, ${String(open.length)} open`,
    );
    assert.deepEqual(open, []);
  });

  it('are suppressed for nothing that is not found', () => {
    assert.deepEqual(
      SUPPRESSIONS.filter(({ covers }) => !all.some(covers)).map(({ reason }) => reason),
      [],
    );
  });

  it('let an open API pass in no other variant', () => {
    const open = all.filter(({ rule }) => rule === 'AwsSolutions-APIG4');
    assert.deepEqual([...new Set(open.map(({ variant }) => variant))], ['open-on-processors']);
  });
});
