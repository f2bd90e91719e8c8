import { hash } from "node:crypto";

/**
 * Names of things, opaque outside the network folder that made them: core compares and stores them and never
 * takes them apart. A cast (`text as RoomId`) marks the one place that makes each.
 */
declare const brand: unique symbol;
type Id<Name extends string> = string & { readonly [brand]: Name };

export type NetworkName = Id<"network">;
/** A conversation on one network: a room of many, a chat of two, a subscription. */
export type RoomId = Id<"room">;
/** A person as their own network keeps them apart: an account, an occupant of one room, a device. */
export type UserId = Id<"user">;
/** A message as others refer to it, unique within its room. */
export type MessageId = Id<"message">;
export type PortalId = Id<"portal">;
export type LinkId = Id<"link">;
/** The name of one delivery, the same at every attempt. Each network sends it along in its own field. */
export type OperationId = Id<"operation">;
/** The correlation id that stands in every log line of one message's life. */
export type TraceId = Id<"trace">;

/** One message as one room knows it: a copy. All copies of an original share `origin`. */
export type Copy = Readonly<{ network: NetworkName; room: RoomId; id: MessageId }>;

/** Bytes of an id that another network chose; a longer one is hashed. */
const longestId = 255;
const tail = "~sha256-";
/** Characters of a hashed id that stay readable. */
const readable = 32;

/**
 * Returns the id itself where it takes up to `max` bytes of UTF-8, else its beginning and a hash of all of it. The same
 * id has the same form in a message and in a reference to it, and a form is its own form.
 */
export function boundedId(id: string, max = longestId): string {
	// A UTF-16 unit takes at most three bytes.
	if (3 * id.length <= max || (id.length <= max && Buffer.byteLength(id) <= max)) return id;
	return id.slice(0, readable).toWellFormed() + tail + hash("sha256", id, "base64url");
}

/** Whether nobody but us knows an id in this form. */
export const isHashedId = (id: string): boolean =>
	id.at(-44) === "-" && id.slice(-43 - tail.length, -43) === tail;
