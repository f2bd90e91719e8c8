import { expect, test } from "vitest";
import type { LinkId } from "../../../src/core/ids.ts";
import { hostedWorld, juliet, romeo, view } from "./world.ts";

test("people in a room whose link an admin ends are told so, and are out of it", async () => {
	const world = hostedWorld();
	await world.start();
	await world.join(romeo, "Romeo");
	await world.join(juliet, "Juliet");
	world.got(romeo);
	world.got(juliet);
	const link = { id: "l" as LinkId, network: "xmpp" as never, role: "hosted", in: true, out: false } as const;
	await world.conversation.detach({ ...link, room: view });
	expect(world.got(romeo)).toEqual(["presence unavailable Romeo none/none destroyed 110"]);
	expect(world.got(juliet)).toEqual(["presence unavailable Juliet none/none destroyed 110"]);
	world.take(`<message from='${romeo}' to='#lobby@bridge.test' type='groupchat'><body>hi</body></message>`);
	expect(world.got(romeo)).toEqual(["message error modify/not-acceptable"]);
	await world.settle();
	expect(world.stored()).toEqual([]);
});
