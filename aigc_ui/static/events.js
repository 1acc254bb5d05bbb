// What happens on the page, by name, for whichever parts want to hear of it.
const listeners = {};

export const on = (name, listener) => { (listeners[name] ??= []).push(listener); };
export const emit = (name, detail) => { (listeners[name] ?? []).forEach((listener) => { listener(detail); }); };
