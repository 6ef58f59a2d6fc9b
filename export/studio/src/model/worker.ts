// The model thinks here, so that the page never waits for it.
//
// A classic worker, as LiteRT.js loads its WebAssembly by importScripts.

import {loadRuntime} from './network';
import type {Answer, Calls, Name, Part, Question, Source} from './protocol';
import {Sketcher} from './sketcher';

type Work<N extends Name> = (
  argument: Calls[N]['argument'],
  tell: (part: Calls[N]['part']) => Promise<void>,
) => Promise<Calls[N]['result']>;

let runtime: Promise<unknown> | undefined;
let sketcher: Sketcher | undefined;

const calls: {[N in Name]: Work<N>} = {
  async load(source, tell) {
    runtime ??= loadRuntime(new URL('../litert/', location.href).href);
    const [file] = await Promise.all([bytesOf(source, tell), runtime]);
    const next = await Sketcher.load(file);
    sketcher?.delete();
    sketcher = next;
    return next.loaded;
  },

  suggest: (argument, tell) => all(loaded().suggest(argument), tell),
  optimize: (argument, tell) => all(loaded().optimize(argument), tell),
  draw: (argument, tell) => all(loaded().draw(argument), tell),
  encode: (argument) => loaded().encode(argument),
  judge: (argument) => loaded().judge(argument),
  imagine: (argument) => loaded().imagine(argument),
};

function loaded(): Sketcher {
  if (!sketcher) throw new Error('There is no model yet.');
  return sketcher;
}

async function all(
  parts: AsyncGenerator<Part>,
  tell: (part: Part) => Promise<void>,
): Promise<undefined> {
  for await (const part of parts) await tell(part);
}

class Cancelled extends Error {}

const cancelled = new Set<number>();
let last: Promise<unknown> = Promise.resolve();

self.onmessage = ({data}: MessageEvent<Question>) => {
  if ('cancel' in data) cancelled.add(data.number);
  // One call at a time, in the order they came.
  else last = last.then(() => answer(data));
};

async function answer(question: Exclude<Question, {cancel: true}>) {
  const {number, name, argument} = question;
  const send = (what: Answer) => self.postMessage(what);
  const tell = async (part: unknown) => {
    send({number, part});
    await breathe();
    if (cancelled.has(number)) throw new Cancelled();
  };
  try {
    await breathe();
    if (cancelled.has(number)) throw new Cancelled();
    const work = calls[name] as Work<Name>;
    send({number, result: await work(argument as never, tell)});
  } catch (error) {
    if (error instanceof Cancelled) send({number, result: undefined});
    else send({number, error: error instanceof Error ? error.message : `${error}`});
  }
  cancelled.delete(number);
}

const channel = new MessageChannel();

/** Lets messages in: what LiteRT promises is kept before any of them. */
function breathe(): Promise<void> {
  return new Promise((resolve) => {
    channel.port1.onmessage = () => resolve();
    channel.port2.postMessage(null);
  });
}

/** The content of a file; `tell` hears the share of it that has come. */
async function bytesOf(
  source: Source,
  tell: (share: number) => Promise<void>,
): Promise<Uint8Array> {
  if (source instanceof File) return new Uint8Array(await source.arrayBuffer());
  const {url, bytes} = source;
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body!) {
    chunks.push(chunk);
    size += chunk.length;
    await tell(size / bytes);
  }
  return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
}
