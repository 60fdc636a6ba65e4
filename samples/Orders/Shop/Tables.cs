using Npgsql;

namespace Orders.Shop;

/// <summary>The tables of the shop. They are ordinary tables: the library knows nothing of them.</summary>
internal static class Tables
{
    private const string Sql = """
        CREATE TABLE IF NOT EXISTS product(name text PRIMARY KEY, stock int NOT NULL CHECK (stock >= 0));
        CREATE TABLE IF NOT EXISTS shop_order(id uuid PRIMARY KEY, customer text NOT NULL,
            product text NOT NULL REFERENCES product, quantity int NOT NULL CHECK (quantity > 0));
        CREATE TABLE IF NOT EXISTS shipment(order_id uuid PRIMARY KEY REFERENCES shop_order, product text NOT NULL);
        CREATE TABLE IF NOT EXISTS sale(product text NOT NULL, number int NOT NULL, order_id uuid NOT NULL REFERENCES shop_order,
            pieces int NOT NULL, left_in_stock int NOT NULL, PRIMARY KEY (product, number));
        """;

    /// <summary>Creates the tables that do not exist. Several services may do so at the same time.</summary>
    public static async Task CreateAsync(NpgsqlDataSource database, CancellationToken cancellation)
    {
        await using NpgsqlConnection connection = await database.OpenConnectionAsync(cancellation);
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellation);
        await using (var alone = new NpgsqlCommand("SELECT pg_advisory_xact_lock(hashtext('samples/Orders'))", connection, transaction))
            await alone.ExecuteNonQueryAsync(cancellation);
        await using (var create = new NpgsqlCommand(Sql, connection, transaction)) await create.ExecuteNonQueryAsync(cancellation);
        await transaction.CommitAsync(cancellation);
    }

    /// <summary>Adds products that the shop does not have.</summary>
    public static async Task StockAsync(NpgsqlDataSource database, IEnumerable<string> products, int pieces,
        CancellationToken cancellation)
    {
        await using NpgsqlCommand stock = database.CreateCommand(
            "INSERT INTO product(name, stock) SELECT name, $2 FROM unnest($1) AS name ON CONFLICT DO NOTHING");
        stock.Parameters.Add(new() { Value = products.ToArray() });
        stock.Parameters.Add(new() { Value = pieces });
        await stock.ExecuteNonQueryAsync(cancellation);
    }
}
