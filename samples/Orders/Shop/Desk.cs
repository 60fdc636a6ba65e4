using Npgsql;
using Sluice;
using Sluice.PostgreSql;

namespace Orders.Shop;

/// <summary>What came of an order.</summary>
internal enum Outcome
{
    /// <summary>The order is placed, now or by an earlier call with the same id.</summary>
    Placed,

    /// <summary>The id belongs to another order: with another product, quantity or customer.</summary>
    Taken,

    /// <summary>There is no such product.</summary>
    Unknown,

    /// <summary>There are not enough pieces.</summary>
    SoldOut,

    /// <summary>The card cannot pay.</summary>
    Declined,
}

/// <summary>
/// Takes orders. An order, its stock and its event are one transaction: all three, or none. Any number of calls may overlap.
/// </summary>
internal sealed class Desk(NpgsqlDataSource database, ISender<OrderPlaced> events)
{
    /// <summary>Places an order.</summary>
    /// <exception cref="NpgsqlException">
    /// The database cannot be reached: the order may be placed, so repeat it with its id. Or the database refuses the order.
    /// </exception>
    public async Task<Outcome> PlaceAsync(Order order, CancellationToken cancellation)
    {
        await using NpgsqlConnection connection = await database.OpenConnectionAsync(cancellation);
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellation);

        // The row of the product is locked until the end: events of a product are sent in the order in which its stock falls.
        object? stock = await AskAsync("SELECT stock FROM product WHERE name = $1 FOR UPDATE", order.Product);
        if (stock is not int before) return Outcome.Unknown;
        if (await AskAsync("SELECT (customer, product, quantity) = ($2, $3, $4) FROM shop_order WHERE id = $1", order.Id, order.Customer,
            order.Product, order.Quantity) is bool isThisOrder) return isThisOrder ? Outcome.Placed : Outcome.Taken;
        if (before < order.Quantity) return Outcome.SoldOut;
        await AskAsync("INSERT INTO shop_order(id, customer, product, quantity) VALUES ($1, $2, $3, $4)",
            order.Id, order.Customer, order.Product, order.Quantity);
        await AskAsync("UPDATE product SET stock = stock - $2 WHERE name = $1", order.Product, order.Quantity);
        await events.SendAsync(new(order.Id, order.Product, order.Quantity, before - order.Quantity), transaction, cancellation);

        // What follows the event may still fail: then the event was never there.
        if (order.Card.StartsWith("declined", StringComparison.Ordinal)) return Outcome.Declined;
        await transaction.CommitAsync(cancellation);
        return Outcome.Placed;

        async Task<object?> AskAsync(string sql, params object[] values)
        {
            await using var command = new NpgsqlCommand(sql, connection, transaction);
            foreach (object value in values) command.Parameters.Add(new() { Value = value });
            return await command.ExecuteScalarAsync(cancellation);
        }
    }
}
