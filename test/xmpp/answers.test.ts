import { expect, test } from "vitest";
import { TemporaryError } from "../../src/core/errors.ts";
import { createMemoryMapping } from "../../src/store/memory.ts";
import { createAnswers } from "../../src/xmpp/answers.ts";
import { errorReply } from "../../src/xmpp/stanza-error.ts";
import { type Element, serialize, xml } from "../../src/xmpp/stream/xml.ts";
import { quiet } from "../fakes.ts";

function begin(settings = createMemoryMapping()) {
	const sent: Element[] = [];
	const link = { up: false };
	const answers = createAnswers({
		link: {
			async send(stanza) {
				if (!link.up) throw new TemporaryError("no XMPP link");
				sent.push(stanza);
			},
		},
		settings,
		log: quiet,
	});
	return { ...answers, sent, link, settings };
}
const error = (id: string, text?: string) =>
	errorReply(
		xml("message", { from: "romeo@x.test/phone", to: "alice@bridge.test", id }),
		"cancel",
		"item-not-found",
		text,
	);
const ids = (all: readonly Element[]) => all.map(({ attrs }) => attrs.id);

test("an error that cannot be sent goes out unchanged, in order and once, when the link is up again", async () => {
	const one = begin();
	const first = error("1", "nobody has this address.");
	await one.send(first);
	await one.send(error("2"));
	await one.sendKept();
	expect(one.sent).toEqual([]);
	one.link.up = true;
	await one.sendKept();
	await one.sendKept();
	expect(ids(one.sent)).toEqual(["1", "2"]);
	expect(serialize(one.sent[0] as Element)).toBe(serialize(first));
});

test("an error that a stop leaves goes out after the next start, and not after the one behind it", async () => {
	const one = begin();
	await one.send(error("1"));
	await one.save();
	const two = begin(one.settings);
	two.link.up = true;
	await two.load();
	await two.sendKept();
	expect(ids(two.sent)).toEqual(["1"]);
	const three = begin(one.settings);
	await three.load();
	three.link.up = true;
	await three.sendKept();
	expect(three.sent).toEqual([]);
});

test("at most 1,000 errors and 1 MiB of them are kept, the newest ones", async () => {
	const one = begin();
	for (let n = 0; n < 1_500; n++) await one.send(error(`${n}`));
	one.link.up = true;
	await one.sendKept();
	expect(ids(one.sent)).toEqual(Array.from({ length: 1_000 }, (_, n) => `${n + 500}`));
	one.link.up = false;
	for (let n = 0; n < 10; n++) await one.send(error(`large ${n}`, "x".repeat(100_000)));
	one.sent.length = 0;
	one.link.up = true;
	await one.sendKept();
	expect(ids(one.sent)).toEqual(["large 5", "large 6", "large 7", "large 8", "large 9"]);
});
