import { describe, expect, test } from "vitest";
import type { Media } from "../../../src/core/event.ts";
import type { NetworkName, UserId } from "../../../src/core/ids.ts";
import type { Person } from "../../../src/core/person.ts";
import type { Content } from "../../../src/matrix/event.ts";
import { fromMatrix } from "../../../src/matrix/from-matrix.ts";
import { asLink, placeAt, type Stored, withMedia } from "../../../src/matrix/message/attachments.ts";
import { files, vectors } from "../../vectors.ts";

describe("a file from Matrix", () => {
	type Case = { type?: string; in: Content; media?: Media & { ref: string }; caption?: string };
	const alice = { network: "matrix" as NetworkName, id: "@alice:hs.test" as UserId } as Person;
	for (const kind of files)
		test.each(vectors<Case>("from-matrix", kind))(`${kind}: $name`, (one) => {
			const { type = "m.room.message", in: content, media, caption = "" } = one;
			const event = { event_id: "$1", room_id: "!r", sender: alice.id, origin_server_ts: 1, type, content };
			const seen = fromMatrix(event, {
				person: () => alice,
				before: () => undefined,
				event: () => undefined,
				votes: [],
				isOurs: () => false,
			});
			if (seen?.kind !== "message") throw new Error("not a message");
			if (!media) return expect(seen.media).toBeUndefined();
			const { ref, ...rest } = media;
			expect(seen.media).toEqual({ ...rest, source: { network: "matrix", ref } });
			expect([seen.style, seen.text]).toEqual(["text", caption]);
			if ("file" in content) expect(placeAt(ref).secret?.key).toHaveLength(43);
		});
});

describe("a file to Matrix", () => {
	type Case = { in: Media; said: Content; stored: Stored; type?: string; out: Content };
	for (const kind of files)
		test.each(vectors<Case>("to-matrix", kind))(`${kind}: $name`, (one) => {
			const { in: media, said, stored, type = "m.room.message", out } = one;
			expect(withMedia(said, media, stored)).toEqual({ type, content: out });
		});

	test("becomes a link below its caption when it could not be uploaded", () => {
		const said = {
			msgtype: "m.text",
			body: "look",
			format: "org.matrix.custom.html",
			formatted_body: "<b>look</b>",
		};
		expect(asLink(said, "https://x.test/1")).toEqual({ msgtype: "m.text", body: "look\nhttps://x.test/1" });
		expect(asLink({ msgtype: "m.text", body: "" }, "https://x.test/1").body).toBe("https://x.test/1");
	});
});
