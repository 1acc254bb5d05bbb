// The server makes words_table.js of its table of words: language -> key -> text.
declare const table: Record<string, Record<string, string>>;
export default table;
