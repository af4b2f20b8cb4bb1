import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Template } from 'aws-cdk-lib/assertions';
import { endpointNameOf } from '../lib/endpoint-names.ts';
import { machineOf } from './states.ts';
import { asText, permissions, policyStatements, resourcesOf, stackOf } from './support.ts';
import { type Variant, VARIANT_NAMES, VARIANTS } from './variants.ts';

/** Of one length, and alike but for the last letter. */
const ALIKE = ['Lookbook-Production-A', 'Lookbook-Production-B'] as const;

/**
 * Properties by which a resource is called in its account and region, as far as templates set them.
 * Whatever is not called anything gets a name of CloudFormation's, which no other resource has.
 */
const NAME = /(^|[a-z])Name$/;

/** What ends so and names something else than the resource. */
const OTHERS = ['MetricName', 'VariantName'];

/** Names that need to be different in something narrower than an account, and may be alike. */
const LOCAL: Readonly<Record<string, string>> = {
  'AWS::ApiGatewayV2::Stage': 'a stage is of its API',
  'AWS::ApiGatewayV2::Authorizer': 'an authorizer is of its API',
  'AWS::IAM::Policy': 'an inline policy is of its role',
  'AWS::Lambda::Alias': 'an alias is of its function',
};

/** Two stacks can't have one domain: whoever sets it, chooses one for each. */
const CHOSEN = [
  'AWS::ApiGatewayV2::DomainName',
  'AWS::ApiGatewayV2::ApiMapping',
  'AWS::Route53::RecordSet',
];

/** `type property: name`, where the name is text of its own and not that of another resource. */
function namesOf(template: Template): string[] {
  return [...resourcesOf(template)].flatMap(([, { Type, Properties = {} }]) =>
    Type in LOCAL || CHOSEN.includes(Type)
      ? []
      : Object.entries(Properties)
          .filter(([property]) => NAME.test(property) && !OTHERS.includes(property))
          .map(([property, value]) => `${Type} ${property}: ${asText(value)}`)
          // A reference to a resource of the same stack is as much its own as that is.
          .filter((text) => !/\$\{(?!AWS::)/.test(text) && !text.includes('"Ref"')),
  );
}

/** SageMaker compares names of endpoints without their case. */
function sharedNames(one: string[], other: string[]): string[] {
  const others = new Set(other.map((name) => name.toLowerCase()));
  return one.filter((name) => others.has(name.toLowerCase()));
}

/** What the names of a workflow's jobs begin with, up to the name of the run. */
function jobsOf(template: Template, machine: string): string[] {
  return [...machineOf(template, machine).text.matchAll(/\\"([a-z0-9-]+-)\\" & \$job/g)].map(
    ([, beginning = '']) => beginning,
  );
}

/** With what the names of jobs begin that a role of the stack may start and stop. */
function allowedJobs(template: Template): string[] {
  const allowed = permissions([...policyStatements(template).values()].flat());
  return allowed.flatMap(
    (one) => /:(?:processing|training|transform)-job\/(.+)\*$/.exec(one)?.[1] ?? [],
  );
}

describe('two stacks in one account and region', () => {
  for (const variant of VARIANT_NAMES) {
    it(`share no name: ${variant}`, () => {
      const [blue = [], green = []] = ALIKE.map((name) =>
        namesOf(Template.fromStack(stackOf(VARIANTS[variant], name))),
      );
      assert(blue.length > 0);
      assert.equal(blue.length, green.length);
      assert.deepEqual(sharedNames(blue, green), []);
    });
  }

  it('share no name where only capitals and small letters differ', () => {
    const names = ['Lookbook', 'lookbook', 'LOOKBOOK', 'LookBook'].map((name) =>
      namesOf(Template.fromStack(stackOf(VARIANTS['scale-to-zero'], name))).filter((text) =>
        text.startsWith('AWS::SageMaker::'),
      ),
    );
    assert(names.every((some) => some.length > 0));
    const all = names.flat().map((name) => name.toLowerCase());
    assert.equal(new Set(all).size, all.length, all.join('\n'));
    assert.equal(endpointNameOf('Lookbook-Production-2'), 'Lookbook-Production-2-blip2');
  });

  it('would share the name of the endpoint if the settings fixed it', () => {
    const endpoint = { name: 'endpoint-finetuned-blip2' };
    const [blue = [], green = []] = ALIKE.map((name) =>
      namesOf(Template.fromStack(stackOf({ endpoint }, name))),
    );
    assert.deepEqual(sharedNames(blue, green).sort(), [
      'AWS::Logs::LogGroup LogGroupName: /aws/sagemaker/Endpoints/endpoint-finetuned-blip2',
      'AWS::SageMaker::Endpoint EndpointName: endpoint-finetuned-blip2',
    ]);
  });

  const workflows: readonly (readonly [Variant, string])[] = [
    ['training', 'TrainingPipelineWorkflowStateMachine'],
    ['cheap-backfill', 'BackfillWorkflowStateMachine'],
  ];
  const pairs: readonly (readonly [string, string])[] = [ALIKE, ['Lookbook', 'Lookbook-Staging']];
  for (const [variant, machine] of workflows) {
    for (const pair of pairs) {
      it(`have jobs that are not the other's, in name and rights: ${variant}, ${pair.join(' and ')}`, () => {
        const stacks = pair.map((name) => {
          const template = Template.fromStack(stackOf(VARIANTS[variant], name));
          return { jobs: jobsOf(template, machine), allowed: allowedJobs(template) };
        });
        for (const { jobs, allowed } of stacks) {
          assert(jobs.length > 0 && allowed.length > 0);
          for (const job of jobs) {
            // Of every stack, those by which a role may stop this job.
            const owners = stacks.filter((stack) =>
              stack.allowed.some((beginning) => job.startsWith(beginning)),
            );
            assert.deepEqual(
              owners.map((owner) => owner.allowed),
              [allowed],
              job,
            );
          }
        }
      });
    }
  }

  it('export nothing', () => {
    for (const variant of VARIANT_NAMES) {
      const outputs = Template.fromStack(stackOf(VARIANTS[variant])).findOutputs('*');
      for (const { Export } of Object.values(outputs) as { Export?: unknown }[]) {
        assert.equal(Export, undefined);
      }
    }
  });
});
