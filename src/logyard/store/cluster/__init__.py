"""The store on a ClickHouse cluster."""
