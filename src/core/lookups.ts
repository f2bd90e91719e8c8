/** How an address is asked for: the name of the field, the regular expression for all of it, and an example. */
export type AddressField = Readonly<{ name: string; pattern: string; example: string }>;

/** The fields by which people of other networks look for the people and the rooms of a network. */
export type Lookups = Readonly<{ person: AddressField; room: AddressField }>;
