import { createServer, type AddressInfo, type Socket } from 'node:net';

/** What a question (without its white space) begins with, and the answer: objects, or the code of an error. */
export type Answers = readonly (readonly [question: string, answer: readonly Readonly<Record<string, unknown>>[] | string])[];

/**
 * Speaks the protocol of Postgres as far as simple questions go, and answers what is written down. It is no database: it shows
 * what we ask of a Redshift, and that we understand answers as its documentation describes them.
 */
export async function openFakeRedshift(answers: Answers) {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    let rest = Buffer.alloc(0);
    let started = false;
    socket.on('data', (data) => {
      rest = Buffer.concat([rest, data]);
      for (;;) {
        const head = started ? 1 : 0;
        if (rest.length < head + 4) return;
        const length = rest.readInt32BE(head) + head;
        if (rest.length < length) return;
        const message = rest.subarray(0, length);
        rest = rest.subarray(length);
        if (!started) {
          started = true;
          socket.write(Buffer.concat([packet('R', int32(0)), packet('Z', Buffer.from('I'))]));
        } else if (message.toString('latin1', 0, 1) === 'Q') socket.write(answer(message.toString('utf8', 5, length - 1)));
        else if (message.toString('latin1', 0, 1) === 'X') socket.end();
      }
    });
  });
  function answer(sql: string): Buffer {
    const plain = sql.replaceAll(/\s+/g, ' ').trim();
    asked.push(plain);
    const ready = packet('Z', Buffer.from('I'));
    if (/^(set|begin|rollback)/i.test(plain)) return Buffer.concat([packet('C', text('SET')), ready]);
    const [, found] = answers.find(([question]) => plain.includes(question)) ?? [];
    if (found === undefined || typeof found === 'string') {
      const code = found ?? '42601';
      return Buffer.concat([
        packet('E', Buffer.concat([text('SERROR'), text(`C${code}`), text(`Mno answer to ${plain.slice(0, 80)}`), Buffer.of(0)])),
        ready,
      ]);
    }
    return Buffer.concat([rowsOf(found), packet('C', text(`SELECT ${found.length}`)), ready]);
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const OIDS: Readonly<Record<string, number>> = { boolean: 16, number: 701, string: 25 };

function rowsOf(rows: readonly Readonly<Record<string, unknown>>[]): Buffer {
  const names = Object.keys(rows[0] ?? { none: '' });
  const fields = names.map((name) => {
    const sample = rows.map((row) => row[name]).find((value) => value !== null);
    const end = Buffer.alloc(18);
    end.writeInt32BE(OIDS[typeof sample] ?? 25, 6);
    end.writeInt16BE(-1, 10);
    return Buffer.concat([text(name), end]);
  });
  const data = rows.map((row) => {
    const values = names.map((name) => {
      const value = row[name];
      if (value === null || value === undefined) return int32(-1);
      const bytes = Buffer.from(typeof value === 'boolean' ? (value ? 't' : 'f') : String(value));
      return Buffer.concat([int32(bytes.length), bytes]);
    });
    return packet('D', Buffer.concat([int16(names.length), ...values]));
  });
  return Buffer.concat([packet('T', Buffer.concat([int16(names.length), ...fields])), ...data]);
}

function packet(kind: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(kind), int32(body.length + 4), body]);
}

function text(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}
