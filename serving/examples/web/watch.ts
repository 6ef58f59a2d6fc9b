// Shows a sketch while the gateway draws it.
//
//   npm ci && npm run generate && npm start
//   then http://localhost:5173/?gateway=http://localhost:8080
import { ConnectError, createClient } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-web";
import { type DrawnPoint, SketcherService } from "./sketcher/v1/sketcher_pb";

const options = new URLSearchParams(location.search);
const baseUrl = options.get("gateway") ?? "http://localhost:8080";
// The gateway speaks both, on the same port.
const transport = options.has("grpc-web")
  ? createGrpcWebTransport({ baseUrl })
  : createConnectTransport({ baseUrl });
const client = createClient(SketcherService, transport);

const form = document.querySelector("form")!;
const canvas = document.querySelector("canvas")!;
const status = document.querySelector("[role=status]")!;

/** Draws all points so far, as large as they fit. */
function show(points: DrawnPoint[]): void {
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const extent = Math.max(Math.max(...xs) - left, Math.max(...ys) - top, 1);
  const scale = (0.9 * canvas.width) / extent;
  const margin = 0.05 * canvas.width;
  const pen = canvas.getContext("2d")!;
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.lineWidth = 4;
  pen.lineCap = pen.lineJoin = "round";
  pen.beginPath();
  let lifted = true;
  for (const { x, y, penLifted } of points) {
    const place = [(x - left) * scale + margin, (y - top) * scale + margin];
    if (lifted) pen.moveTo(place[0], place[1]);
    else pen.lineTo(place[0], place[1]);
    lifted = penLifted;
  }
  pen.stroke();
}

async function draw(category: string, seed: number): Promise<void> {
  const drawn: DrawnPoint[] = [];
  status.textContent = "Drawing …";
  const start = { category, seed };
  for await (const { points, end } of client.watch({ start })) {
    drawn.push(...points);
    if (drawn.length) show(drawn);
    if (end)
      status.textContent = `${category}: ${drawn.length} points, ${
        end.finished ? "finished" : "cut off"
      }.`;
  }
}

/** The message of the gateway: the rule, what was received, the remedy. */
function report(error: unknown): void {
  status.textContent = ConnectError.from(error).rawMessage;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const given = new FormData(form);
  draw(String(given.get("category")), Number(given.get("seed"))).catch(report);
});

client
  .listCategories({})
  .then(({ categories }) => {
    const words = categories.map((word) => new Option(word));
    document.querySelector("datalist")!.replaceChildren(...words);
    status.textContent = `${categories.length} words.`;
  })
  .catch(report);
