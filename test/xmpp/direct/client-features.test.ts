import { expect, test } from "vitest";
import { createClientFeatures } from "../../../src/xmpp/direct/client-features.ts";
import { type Element, xml } from "../../../src/xmpp/stream/xml.ts";
import { quiet } from "../../fakes.ts";

const present = (client: string) =>
	xml(
		"presence",
		{ from: client, to: "alice@bridge.test" },
		xml("c", { xmlns: "http://jabber.org/protocol/caps", ver: "1" }),
	);

test("at most a thousand clients are asked for their features concurrently; a skipped one is asked at its next message", async () => {
	const open: { to: string | undefined; answer(): void }[] = [];
	const iq = (request: Element) =>
		new Promise<Element>((resolve) => {
			open.push({ to: request.attrs.to, answer: () => resolve(xml("iq")) });
		});
	const known = createClientFeatures({ iq }, "trivium", quiet, () => undefined);
	for (let n = 0; n < 1_100; n++) known.present(present(`romeo${n}@x.test/r`));
	expect(open).toHaveLength(1_000);
	open[0]?.answer();
	await new Promise((resolve) => setImmediate(resolve));
	known.wrote("romeo1099@x.test/r", "alice@bridge.test");
	known.wrote("romeo1098@x.test/r", "alice@bridge.test");
	expect(open.slice(1_000).map(({ to }) => to)).toEqual(["romeo1099@x.test/r"]);
});
