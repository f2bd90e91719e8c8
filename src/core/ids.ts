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
