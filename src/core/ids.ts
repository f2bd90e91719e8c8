import { hash } from "node:crypto";

/**
 * Ids that are opaque outside the network folder that makes them: core compares and stores them and never parses
 * them. A cast (`text as RoomId`) marks the one place that makes each.
 */
declare const brand: unique symbol;
type Id<Name extends string> = string & { readonly [brand]: Name };

export type NetworkName = Id<"network">;
/** A conversation on one network: a group room, a 1:1 chat, a subscription. */
export type RoomId = Id<"room">;
/** A person as their own network identifies them: an account, an occupant of one room, a device. */
export type UserId = Id<"user">;
/** A message, unique within its room. */
export type MessageId = Id<"message">;
export type PortalId = Id<"portal">;
export type LinkId = Id<"link">;
/** One delivery, the same at every attempt: the dedupe key that each network sends along in a field of its own. */
export type OperationId = Id<"operation">;
/** The correlation id that stands in every log line of one message's life. */
export type TraceId = Id<"trace">;

/** One message as one room knows it. The journal keeps all copies of a message together. */
export type Copy = Readonly<{ network: NetworkName; room: RoomId; id: MessageId }>;

/** Bytes of an id that another network chose; a longer one is hashed. */
const longestId = 255;
const tail = "~sha256-";
/** Characters of a hashed id that stay readable. */
const readable = 32;

/**
 * Returns the id itself if it takes up to `max` bytes of UTF-8, else its beginning and a hash of all of it. The form is
 * the same in a message and in a reference to it, and the function is idempotent.
 */
export function boundedId(id: string, max = longestId): string {
	// A UTF-16 unit takes at most three bytes.
	if (3 * id.length <= max || (id.length <= max && Buffer.byteLength(id) <= max)) return id;
	return id.slice(0, readable).toWellFormed() + tail + hash("sha256", id, "base64url");
}

/** Returns true if {@link boundedId} made this id by hashing, so that no other server knows it. */
export const isHashedId = (id: string): boolean =>
	id.at(-44) === "-" && id.slice(-43 - tail.length, -43) === tail;
