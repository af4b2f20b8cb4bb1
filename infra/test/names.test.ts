import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Template } from 'aws-cdk-lib/assertions';
import { asText, resourcesOf, stackOf } from './support.ts';
import { VARIANT_NAMES, VARIANTS } from './variants.ts';

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

describe('two stacks in one account and region', () => {
  for (const variant of VARIANT_NAMES) {
    it(`share no name: ${variant}`, () => {
      const [blue = [], green = []] = ['Blue', 'Green'].map((name) =>
        namesOf(Template.fromStack(stackOf(VARIANTS[variant], name))),
      );
      assert(blue.length > 0);
      assert.equal(blue.length, green.length);
      assert.deepEqual(sharedNames(blue, green), []);
    });
  }

  it('would share the name of the endpoint if the settings fixed it', () => {
    const endpoint = { name: 'endpoint-finetuned-blip2' };
    const [blue = [], green = []] = ['Blue', 'Green'].map((name) =>
      namesOf(Template.fromStack(stackOf({ endpoint }, name))),
    );
    assert.deepEqual(sharedNames(blue, green).sort(), [
      'AWS::Logs::LogGroup LogGroupName: /aws/sagemaker/Endpoints/endpoint-finetuned-blip2',
      'AWS::SageMaker::Endpoint EndpointName: endpoint-finetuned-blip2',
    ]);
  });

  it('export nothing', () => {
    for (const variant of VARIANT_NAMES) {
      const outputs = Template.fromStack(stackOf(VARIANTS[variant])).findOutputs('*');
      for (const { Export } of Object.values(outputs) as { Export?: unknown }[]) {
        assert.equal(Export, undefined);
      }
    }
  });
});
