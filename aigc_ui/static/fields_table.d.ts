// The server makes fields_table.js of the fields of a request for a picture.
declare const table: Record<string, { default: any; needs: string[][]; declared: string; group: string }>;
export default table;
