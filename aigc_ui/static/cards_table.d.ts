// The server makes cards_table.js of assets/cards/cards.json.
declare const table: { model: string; columns: number; cards: { prompt: string; seed: number }[] };
export default table;
