import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resourcesOf, templateOf } from './support.ts';
import { type Variant, VARIANT_NAMES, variantTemplate } from './variants.ts';

/** What can't be had again once it is gone. */
const DATA = ['AWS::S3::Bucket', 'AWS::KMS::Key', 'AWS::ECR::Repository', 'AWS::DynamoDB::Table'];

/** The one variant that asks for it. */
const ASKS: Variant = 'open-on-processors';

describe('removal of the stack', () => {
  it('keeps data in every variant that does not ask for its removal', () => {
    for (const variant of VARIANT_NAMES.filter((name) => name !== ASKS)) {
      let kept = 0;
      for (const [id, resource] of resourcesOf(variantTemplate(variant))) {
        if (DATA.includes(resource.Type)) {
          kept += 1;
          const { DeletionPolicy, UpdateReplacePolicy } = resource;
          assert.deepEqual([DeletionPolicy, UpdateReplacePolicy], ['Retain', 'Retain'], id);
        }
      }
      assert(kept >= 2, `${variant} has a bucket and its access logs`);
    }
  });

  it('keeps the key for as long as what it opens', () => {
    for (const [removal, policy] of [
      ['retain', 'Retain'],
      ['destroy', 'Delete'],
    ] as const) {
      const template = templateOf({ catalogue: { encryption: 'kms', removal } });
      for (const type of ['AWS::KMS::Key', 'AWS::S3::Bucket']) {
        template.allResources(type, { DeletionPolicy: policy });
      }
    }
  });

  it('removes data where it is asked to, from buckets that somebody emptied', () => {
    const template = variantTemplate(ASKS);
    template.allResources('AWS::S3::Bucket', { DeletionPolicy: 'Delete' });
    // Nothing in the stack empties a bucket by itself.
    template.resourceCountIs('Custom::S3AutoDeleteObjects', 0);
  });

  it('leaves no log behind that would be kept for ever', () => {
    for (const variant of VARIANT_NAMES) {
      const template = variantTemplate(variant);
      template.allResources('AWS::Logs::LogGroup', { DeletionPolicy: 'Delete' });
      for (const { Properties } of Object.values(template.findResources('AWS::Logs::LogGroup'))) {
        const { RetentionInDays } = Properties as { RetentionInDays?: number };
        assert.equal(RetentionInDays, variant === 'own-key-and-lifetimes' ? 90 : 30);
      }
    }
  });
});
