import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';

const FILES = [
  'model-server/Dockerfile',
  'model-server/Dockerfile.cuda',
  'trainer/Dockerfile',
  'trainer/Dockerfile.cuda',
];

/** The instructions of a Dockerfile, each with what it is given, in order and on one line. */
function instructions(file: string): { name: string; argument: string }[] {
  const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
  return text
    .replaceAll(/^\s*#.*$/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .flatMap((line) => {
      const [, name, argument] = /^([A-Z]+)\s+(.*)$/.exec(line.trim()) ?? [];
      return name === undefined || argument === undefined ? [] : [{ name, argument }];
    });
}

describe('Dockerfiles', () => {
  for (const file of FILES) {
    const all = instructions(file);
    const last = all.slice(all.findLastIndex(({ name }) => name === 'FROM'));
    const argumentOf = (name: string) =>
      last.find((instruction) => instruction.name === name)?.argument ?? '';

    it(`${file} builds in one stage and runs in another, from images with a tag`, () => {
      const stages = all.filter(({ name }) => name === 'FROM').map(({ argument }) => argument);
      assert(stages.length > 1);
      for (const stage of stages) {
        assert.match(stage, /^\S+:\S+/);
      }
      assert(!last.some(({ name }) => name === 'RUN'), 'the last stage runs nothing');
    });

    it(`${file} starts its program without a shell`, () => {
      for (const name of ['ENTRYPOINT', 'CMD']) {
        assert.match(argumentOf(name), /^\["[^"]+"\]$/, name);
      }
      assert.match(argumentOf('HEALTHCHECK'), /^NONE$|CMD \["[^"]+", "ping"\]$/);
    });

    it(`${file} runs as nobody, if its folders allow that`, () => {
      const [from] = last;
      const user = argumentOf('USER');
      const isNobody =
        /^[1-9]\d*:[1-9]\d*$/.test(user) || (from?.argument ?? '').endsWith(':nonroot');
      // SageMaker's folders for training belong to root.
      assert.equal(isNobody, file.startsWith('model-server/'));
    });
  }

  it('asks the health of a server by a command that it has', () => {
    const cli = readFileSync(new URL('../../model-server/src/cli.rs', import.meta.url), 'utf8');
    assert.match(cli, /^ {4}Ping\(PingArguments\),$/m);
  });
});
