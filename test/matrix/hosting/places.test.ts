import { describe, expect, test } from "vitest";
import type { MatrixEvent } from "../../../src/matrix/event.ts";
import { isPlace } from "../../../src/matrix/hosting/places.ts";
import { sampleEvent } from "../samples.ts";

const event = (type: string, over: Partial<MatrixEvent> = {}) =>
	sampleEvent({ type, content: { body: "text" }, ...over });
const redacted = { content: {}, unsigned: { redacted_because: sampleEvent() } as never };
const state = { state_key: "" };

describe("an archive has a place for", () => {
	test.each([
		["a message", event("m.room.message")],
		["a sticker", event("m.sticker")],
		["a reaction", event("m.reaction")],
		["a deletion", event("m.room.redaction")],
		["a poll and a vote", event("org.matrix.msc3381.poll.response")],
		["an unknown event with a text", event("org.example.card")],
		["a call, in words", event("m.call.invite")],
		["a pinned message, in words", event("m.room.pinned_events", state)],
		["a deleted message", event("m.room.message", redacted)],
	])("%s", (_name, one) => expect(isPlace(one)).toBe(true));
});

describe("an archive has no place for", () => {
	test.each([
		["a join", event("m.room.member", { state_key: "@a:hs.test" })],
		["the topic, the name and the picture", event("m.room.topic", state)],
		["encryption and an upgrade", event("m.room.tombstone", state)],
		["a setting", event("m.room.power_levels", state)],
		["an encrypted event", event("m.room.encrypted")],
		["a deleted encrypted event", event("m.room.encrypted", redacted)],
		["the course of a call", event("m.call.candidates")],
		["an unknown event without a text", event("org.example.card", { content: {} })],
		["a deleted reaction", event("m.reaction", redacted)],
		["a deleted state event", event("m.room.pinned_events", { ...state, ...redacted })],
	])("%s", (_name, one) => expect(isPlace(one)).toBe(false));
});
