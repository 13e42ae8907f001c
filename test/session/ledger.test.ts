import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Broken, frame, Kind } from '../../src/session/frames.ts';
import { Ledger } from '../../src/session/ledger.ts';

/** One end: what it has sent in all, and what it has received. */
class End {
  readonly ledger = new Ledger();
  readonly sent: string[] = [];
  readonly received: string[] = [];

  add(text: string): void {
    this.sent.push(text);
    this.ledger.add(frame(Kind.DATA, 1, Buffer.from(text)));
  }

  /** Writes the next frame into a carrier. */
  write(carrier: Buffer[]): void {
    const next = this.ledger.next();
    if (!next) return;
    this.ledger.wrote(next);
    carrier.push(next);
  }

  read(carrier: Buffer[]): void {
    const next = carrier.shift()?.subarray(13);
    if (next && this.ledger.took(next)) this.received.push(next.toString());
  }
}

/** What may happen at any time. A carrier is cut when its turn comes, and the other one brings part of what it had. */
const events = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('keeper adds', 'host adds') },
    { weight: 8, arbitrary: fc.constantFrom('keeper writes', 'host writes', 'keeper reads', 'host reads') },
    { weight: 2, arbitrary: fc.constantFrom('keeper acknowledges', 'host acknowledges') },
    { weight: 1, arbitrary: fc.constantFrom('begins another carrier', 'the other carrier answers') },
  ),
  { maxLength: 300, size: 'max' },
);

test('everything arrives once and in order, whenever carriers are lost or taken over', () => {
  fc.assert(
    fc.property(events, (happens) => {
      const [keeper, host] = [new End(), new End()];
      let up: Buffer[] = [];
      let down: Buffer[] = [];
      let greeted: number | undefined;
      let count = 0;
      const takeOver = () => {
        // The host drops the old carrier; what it wrote there may still arrive, up to the moment of the answer.
        const start = host.ledger.rewind(greeted ?? keeper.ledger.received);
        host.ledger.restart(host.ledger.received);
        for (let late = count % 3; late > 0; late--) keeper.read(down);
        keeper.ledger.rewind(host.ledger.received);
        keeper.ledger.restart(start);
        [up, down, greeted] = [[], [], undefined];
      };
      for (const event of happens) {
        count++;
        if (event === 'keeper adds') keeper.add(`${count}`);
        else if (event === 'host adds') host.add(`${count}`.repeat(count % 5 || 1));
        else if (event === 'keeper writes') keeper.write(up);
        else if (event === 'host writes') host.write(down);
        else if (event === 'keeper reads') keeper.read(down);
        else if (event === 'host reads') host.read(up);
        // An acknowledgement overtakes nothing, so it is only sent when all before it has arrived.
        else if (event === 'keeper acknowledges') host.ledger.acknowledged(keeper.ledger.tell());
        else if (event === 'host acknowledges') keeper.ledger.acknowledged(host.ledger.tell());
        else if (event === 'begins another carrier') greeted = keeper.ledger.received;
        else takeOver();
      }
      takeOver();
      for (let left = 0; left < 2 * happens.length; left++) {
        keeper.write(up);
        host.write(down);
        keeper.read(down);
        host.read(up);
      }
      assert.deepEqual([host.received, keeper.received], [keeper.sent, host.sent]);
    }),
    { numRuns: 500 },
  );
});

test('what was acknowledged is not kept', () => {
  const [keeper, host] = [new End(), new End()];
  const carrier: Buffer[] = [];
  for (const text of ['a', 'bc', 'd']) keeper.add(text);
  keeper.write(carrier);
  keeper.write(carrier);
  assert.equal(keeper.ledger.unconfirmed, 3 * 13 + 4);
  host.read(carrier);
  keeper.ledger.acknowledged(host.ledger.tell());
  assert.equal(keeper.ledger.unconfirmed, 2 * 13 + 3);
});

test('an acknowledgement that cannot be true is refused', () => {
  const { ledger, ...keeper } = new End();
  assert.throws(() => ledger.acknowledged(1), Broken);
  ledger.add(frame(Kind.DATA, 1, Buffer.from('abc')));
  ledger.wrote(ledger.next() ?? Buffer.alloc(0));
  for (const number of [1, 15, 17]) assert.throws(() => ledger.acknowledged(number), Broken);
  ledger.acknowledged(16);
  assert.throws(() => ledger.acknowledged(0), Broken);
  assert.throws(() => ledger.rewind(17), Broken);
  assert.deepEqual(keeper.received, []);
});

test('a host that begins after what has been received is refused', () => {
  assert.throws(() => new Ledger().restart(1), Broken);
});
