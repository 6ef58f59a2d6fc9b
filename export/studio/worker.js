// The model thinks here, so that the page never waits for it.
//
// A classic worker, as LiteRT.js loads its WebAssembly by importScripts.
// A message is [number, name, argument], its answer [number, result, error].

const ready = import('./sketcher.js');
let sketcher;

const calls = {
  async load(url) {
    const {PhoneSketcher} = await ready;
    sketcher = await PhoneSketcher.load(url, (share) =>
      postMessage(['progress', share]),
    );
    return sketcher.metadata;
  },
  begin: (request) => sketcher.begin(request),
  next: () => sketcher.next(),
};

// One call at a time, in the order they came.
let last = Promise.resolve();

onmessage = ({data: [number, name, argument]}) => {
  last = last.then(async () => {
    try {
      postMessage([number, await calls[name](argument)]);
    } catch (error) {
      postMessage([number, undefined, String(error?.message ?? error)]);
    }
  });
};
