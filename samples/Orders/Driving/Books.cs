using Npgsql;
using Orders.Shop;
using Sluice.PostgreSql;
using Sluice.Storage;

namespace Orders.Driving;

/// <summary>The books of the shop, compared with what customers were answered.</summary>
internal static class Books
{
    private const string Entered = """
        SELECT (SELECT count(*) FROM shop_order), (SELECT count(*) FROM shipment), (SELECT count(*) FROM sale)
        """;

    /// <summary>What is wrong; empty if the books are right.</summary>
    public static async Task<IReadOnlyList<string>> CheckAsync(NpgsqlDataSource database, Plan plan, Tally tally,
        CancellationToken cancellation)
    {
        var wrong = new List<string>();
        HashSet<Guid> placed = [];
        await foreach (Guid id in ReadAsync<Guid>("SELECT id FROM shop_order")) placed.Add(id);
        Add(plan.Orders.Count(order => tally.Answers.GetValueOrDefault(order.Id) == 201 && !placed.Contains(order.Id)),
            "orders were confirmed, and are not there");
        Add(placed.Count(id => tally.Answers.GetValueOrDefault(id) != 201), "orders are there, and were refused");
        await CountAsync("SELECT count(*) FROM shop_order o WHERE NOT EXISTS (SELECT FROM shipment s WHERE s.order_id = o.id)",
            "orders are not shipped");
        await CountAsync("SELECT count(*) FROM shop_order o WHERE NOT EXISTS (SELECT FROM sale s WHERE s.order_id = o.id)",
            "orders are missing in the sales book");
        await CountAsync("SELECT count(*) - count(DISTINCT order_id) FROM sale", "orders are in the sales book twice");
        await CountAsync("SELECT count(*) FROM (SELECT product FROM sale GROUP BY product HAVING max(number) <> count(*)) gap",
            "products have a gap in their numbers");
        await CountAsync("""
            SELECT count(*) FROM product p WHERE p.stock <> $1
                - coalesce((SELECT sum(quantity) FROM shop_order o WHERE o.product = p.name), 0)
            """, "products have a wrong stock", plan.Stock);
        await CountAsync("""
            SELECT count(*) FROM (SELECT s.*, sum(o.quantity) OVER sold AS expected, lag(left_in_stock) OVER sold AS previous
                FROM sale s JOIN shop_order o ON o.id = s.order_id WINDOW sold AS (PARTITION BY s.product ORDER BY number)) line
            WHERE pieces <> expected OR left_in_stock >= previous
            """, "lines of the sales book do not follow the line before them");
        return wrong;

        async Task CountAsync(string sql, string what, params object[] values)
        {
            await foreach (long count in ReadAsync<long>(sql, values)) Add(count, what);
        }

        async IAsyncEnumerable<T> ReadAsync<T>(string sql, params object[] values)
        {
            await using NpgsqlCommand command = database.CreateCommand(sql);
            foreach (object value in values) command.Parameters.Add(new() { Value = value });
            await using NpgsqlDataReader rows = await command.ExecuteReaderAsync(cancellation);
            while (await rows.ReadAsync(cancellation)) yield return rows.GetFieldValue<T>(0);
        }

        void Add(long count, string what)
        {
            if (count != 0) wrong.Add($"{count} {what}");
        }
    }

    /// <summary>
    /// What is wrong with the events; empty if nothing is. The tables of the shop refuse an event that comes twice, or whose order was
    /// rolled back, so the books alone would not show it.
    /// </summary>
    public static async Task<IReadOnlyList<string>> CheckEventsAsync(NpgsqlDataSource database, IStreamStore store,
        CancellationToken cancellation)
    {
        var wrong = new List<string>();
        await using NpgsqlCommand count = database.CreateCommand("SELECT count(*) FROM shop_order");
        var orders = (long)(await count.ExecuteScalarAsync(cancellation))!;
        long accepted = (await store.FindStreamAsync(Warehouse.Name, cancellation))?.Appended ?? 0;
        if (accepted != orders) wrong.Add($"{accepted} events were accepted for {orders} orders");
        IReadOnlyList<StoredDeadLetter> dead = await store.ListDeadAsync(new(Warehouse.Name, Warehouse.Name),
            cancellation: cancellation);
        if (dead.Count > 0) wrong.Add($"{dead.Count} events could not be entered, the first one: {dead[0].Error}");
        return wrong;
    }

    /// <summary>
    /// How much is missing in the books and may still come; null while that is not known, because the server starts. It is zero, too, if an
    /// event has ended and its order is not entered: then nothing more comes.
    /// </summary>
    public static async Task<long?> FindOutstandingAsync(NpgsqlDataSource database, IStreamStore store, CancellationToken cancellation)
    {
        try
        {
            await using NpgsqlCommand command = database.CreateCommand(Entered);
            await using NpgsqlDataReader row = await command.ExecuteReaderAsync(cancellation);
            await row.ReadAsync(cancellation);
            long orders = row.GetInt64(0), missing = (2 * orders) - row.GetInt64(1) - row.GetInt64(2);
            if (missing == 0) return 0;
            return await store.FindStreamAsync(Warehouse.Name, cancellation) is { } events && events.Appended >= orders
                && events.Groups.All(static group => group.Outstanding == 0) ? 0 : missing;
        }
        catch (NpgsqlException away) when (away.IsTransient)
        {
            return null;
        }
    }
}
