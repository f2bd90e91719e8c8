import { expect, test } from "vitest";
import { createAppservice } from "../../src/matrix/appservice.ts";
import { readRegistration, writeRegistration } from "../../src/matrix/registration.ts";
import { quiet } from "../fakes.ts";
import { freePort } from "../free-port.ts";

/** How often the listener stops and starts again. */
const stops = 100;

test("a stop finishes and acknowledges each transaction under way, at whatever point it comes, and takes none after it", async () => {
	const port = await freePort();
	const url = `http://127.0.0.1:${port}`;
	const registration = readRegistration(
		writeRegistration({ url, domain: "hs.test", bot: "trivium", networks: ["xmpp"] }),
	);
	const journal: string[] = [];
	const acknowledged: string[] = [];
	/** The points of transactions that were passed in this run, the one at which it stops, and the handlers that run. */
	let [passed, due, running] = [0, 0, 0];
	let stopped = Promise.withResolvers<void>();
	let slow = 0;
	const point = () => {
		if (++passed === due) stopped.resolve(service.stop());
	};
	const listen = () =>
		createAppservice(
			{
				homeserver: "http://127.0.0.1:1",
				domain: "hs.test",
				listen: { host: "127.0.0.1", port },
				registration,
			},
			{
				async transaction({ id }) {
					running++;
					for (let n = 0; n <= slow; n++) {
						point();
						await new Promise((resolve) => setImmediate(resolve));
					}
					journal.push(id);
					point();
					running--;
				},
				user: async () => false,
				alias: async () => false,
				thirdParty: async () => [],
			},
			quiet,
		);
	let service = listen();
	await service.start();

	/** A model of the homeserver: it repeats each transaction until it is acknowledged, and only then sends the next one. */
	let sending = true;
	const homeserver = (async () => {
		for (let n = 0; sending; n++)
			for (let done = false; !done && sending; )
				try {
					const { status } = await fetch(`${url}/_matrix/app/v1/transactions/${n}`, {
						method: "PUT",
						headers: { authorization: `Bearer ${registration.hs_token}` },
						body: JSON.stringify({ events: [{ event_id: `$${n}` }] }),
					});
					done = status === 200;
					if (done) acknowledged.push(`${n}`);
				} catch {
					await new Promise((resolve) => setTimeout(resolve, 5));
				}
	})();

	const took: number[] = [];
	for (let stop = 0; stop < stops; stop++) {
		stopped = Promise.withResolvers();
		slow = stop % 5;
		[passed, due] = [0, 1 + (stop % 20)];
		const begin = performance.now();
		await stopped.promise;
		expect(running).toBe(0);
		took.push(performance.now() - begin);
		const taken = journal.length;
		await new Promise((resolve) => setImmediate(resolve));
		expect(journal.length).toBe(taken);
		service = listen();
		await service.start();
	}
	sending = false;
	await homeserver;
	await service.stop();
	expect(journal.length).toBeGreaterThanOrEqual(stops);
	// A busy machine can delay a few of the stops.
	expect(took.sort((a, b) => a - b)[stops / 2]).toBeLessThan(4_000);
	// No transaction was taken twice, since each one that was taken was also acknowledged.
	expect(journal).toEqual(acknowledged);
}, 120_000);
