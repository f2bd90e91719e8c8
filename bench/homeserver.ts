import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { fakeHomeserver } from "../test/matrix/fake-homeserver.ts";

/** Most events in a transaction of Synapse. */
const most = 100;

export type Homeserver = Awaited<ReturnType<typeof homeserver>>;

/**
 * Starts the tests' homeserver with a faster path for messages, and with a pusher like Synapse's: one transaction at a
 * time, and the events that came meanwhile, echoes included, in the next.
 */
export async function homeserver(options: {
	token: string;
	hsToken: string;
	appservice: string;
	heard(body: string): void;
}) {
	const fake = await fakeHomeserver(options);
	fake.serves(options.appservice);
	const agent = new http.Agent({ keepAlive: true });
	const answers = new Map<string, string>();
	const queue: object[] = [];
	let events = 0;
	let transactions = 0;
	let pushing = false;
	/**
	 * `latency`: ms before the answer to a sent message; `requests`: the number of requests that sent no message; `joinedAt`:
	 * the time of the last join.
	 */
	const state = { latency: 0, requests: 0, joinedAt: 0 };
	/** The content beside the events of the next transaction. */
	const passing: object[] = [];

	fake.fail((request) => {
		fake.seen.length = 0;
		if (request.method !== "PUT" || !request.path.includes("/send/")) {
			state.requests++;
			if (request.path.includes("/join/")) state.joinedAt = performance.now();
			return request.path.includes("/typing/") ? { status: 200, body: "{}" } : undefined;
		}
		const known = answers.get(request.path);
		const id = known ?? `$e${events++}`;
		if (!known) {
			answers.set(request.path, id);
			const { body } = request.body;
			options.heard(String(body));
			const room = decodeURIComponent(request.path.split("/")[5] ?? "");
			push(room, request.as, request.body, id);
		}
		return { status: 200, body: `{"event_id":"${id}"}`, after: state.latency };
	});

	let closed = false;

	function push(room: string, sender: string, content: object, id = `$e${events++}`): void {
		const at = Date.now();
		queue.push({
			type: "m.room.message",
			event_id: id,
			room_id: room,
			sender,
			origin_server_ts: at,
			content,
		});
		start();
	}

	/** Hands typing, a receipt or a presence over. */
	function pass(signal: object): void {
		passing.push(signal);
		start();
	}

	function start(): void {
		if (pushing) return;
		pushing = true;
		void run();
	}

	async function run(): Promise<void> {
		while (queue.length + passing.length > 0) {
			const body = JSON.stringify({ events: queue.splice(0, most), ephemeral: passing.splice(0, most) });
			const path = `/_matrix/app/v1/transactions/${++transactions}`;
			while (!closed && (await transaction(path, body)) !== 200) await sleep(100);
		}
		pushing = false;
	}

	function transaction(path: string, body: string): Promise<number> {
		const headers = {
			authorization: `Bearer ${options.hsToken}`,
			"content-type": "application/json",
			"content-length": Buffer.byteLength(body),
		};
		return new Promise((resolve) => {
			const request = http.request(
				options.appservice + path,
				{ method: "PUT", agent, headers },
				(response) => {
					response.resume().on("end", () => resolve(response.statusCode ?? 0));
				},
			);
			request.on("error", () => resolve(0));
			request.end(body);
		});
	}

	return {
		fake,
		state,
		push,
		pass,
		say: (room: string, sender: string, body: string) => push(room, sender, { msgtype: "m.text", body }),
		async close() {
			// The bridge has ended and takes no transaction any more.
			closed = true;
			queue.length = 0;
			agent.destroy();
			await fake.close();
		},
	};
}
