import { connect } from "node:net";
import { Readable } from "node:stream";
import { health } from "../../../src/http/health.ts";
import { publicListener } from "../../../src/http/public.ts";
import { createAppservice } from "../../../src/matrix/appservice.ts";
import { isEvent } from "../../../src/matrix/event.ts";
import { fromMatrix } from "../../../src/matrix/from-matrix.ts";
import { readRegistration, writeRegistration } from "../../../src/matrix/registration.ts";
import { createMediaLinks, mediaPath } from "../../../src/media/links.ts";
import { createMediaServer } from "../../../src/media/serve.ts";
import { createMemoryMapping } from "../../../src/store/memory.ts";
import { quiet } from "../../fakes.ts";
import { freePort } from "../../free-port.ts";
import { holds } from "../checks.ts";
import { requests } from "../corpus.ts";
import { size, type Target } from "../target.ts";
import { domain, person } from "../world.ts";

/** Starts each listener once for the worker, on loopback. */
const once = <T>(make: () => Promise<T>) => {
	let made: Promise<T> | undefined;
	return () => {
		made ??= make();
		return made;
	};
};
const host = "127.0.0.1";

const appservice = once(async () => {
	const port = await freePort();
	const made = { url: `http://${host}:1`, domain, bot: "trivium", networks: ["xmpp", "mqtt"] };
	const registration = { ...readRegistration(writeRegistration(made)), hs_token: "hs-token" };
	const around = { person, before: () => undefined, event: () => undefined, votes: [], isOurs: () => false };
	const service = createAppservice(
		{ homeserver: `http://${host}:1`, domain, listen: { host, port }, registration },
		{
			transaction: async ({ events }) => {
				for (const event of events) if (isEvent(event)) fromMatrix(event, around);
			},
			user: async (mxid) => mxid.includes("romeo"),
			alias: async () => false,
			thirdParty: async () => [],
		},
		quiet,
	);
	await service.start();
	return port;
});

const healthy = once(async () => {
	const port = await freePort();
	const metrics = { text: async () => "figures", contentType: "text/plain" as never };
	const journal = { stats: async () => ({ waiting: 0, oldest: 0, dead: 0, held: 0 }) };
	await health({ host, port }, { networks: [], journal, metrics }, quiet);
	return port;
});

const media = once(async () => {
	const links = createMediaLinks({ mapping: createMemoryMapping(), url: "http://bridge.test" });
	await links.start();
	const open = async () => ({ body: Readable.from([Buffer.from("x")]), size: 1 });
	const serve = createMediaServer(links, { open, largest: 1_000_000, log: quiet });
	const { address } = await publicListener({ host, port: 0 }, { [mediaPath]: serve });
	return address.port;
});

/** Resolves with the listener's response to these bytes, once it closes or is silent for `patience` ms. */
function answered(port: number, bytes: string, patience = 1_000): Promise<string> {
	return new Promise((resolve) => {
		let text = "";
		const socket = connect({ host, port, allowHalfOpen: true });
		const done = () => {
			socket.destroy();
			resolve(text);
		};
		socket.setTimeout(patience, done);
		socket.on("error", done).on("close", done).on("end", done);
		socket.on("data", (chunk) => {
			text += chunk.toString("latin1");
		});
		socket.end(Buffer.from(bytes, "latin1"));
	});
}

const listener = (start: () => Promise<number>, alive: string): Target => ({
	kind: "bytes",
	corpus: requests,
	weight: 0.25,
	async run(input) {
		const port = await start();
		const text = await answered(port, input);
		holds(text === "" || text.startsWith("HTTP/1."), "an answer that is no HTTP");
		const after = await answered(
			port,
			`GET ${alive} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
			20_000,
		);
		holds(after.startsWith("HTTP/1.1 "), "the listener answers nobody any more");
		return size(text);
	},
	grows: {
		"a long path": (length) => `GET /${"/a".repeat(length / 2)} HTTP/1.1\r\nHost: a\r\n\r\n`,
		"many headers": (length) => `GET / HTTP/1.1\r\nHost: a\r\n${"A: b\r\n".repeat(length / 6)}\r\n`,
		"many requests": (length) => "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(length / 27),
		"a long range": (length) =>
			`GET /media/a/b HTTP/1.1\r\nHost: a\r\nRange: bytes=${"0-1,".repeat(length / 4)}\r\n\r\n`,
	},
});

export const listenerTargets: Readonly<Record<string, Target>> = {
	"appservice listener": listener(appservice, "/health"),
	"health listener": listener(healthy, "/live"),
	"public listener": listener(media, "/"),
};
