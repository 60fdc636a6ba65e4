using System.Globalization;
using Microsoft.Data.Sqlite;

namespace SourceToDestination;

/// <summary>Two tables of orders in one SQLite file: the original, and a copy that has lost, changed and invented some rows.</summary>
internal static class Tables
{
    public const string Original = "orders", Copy = "orders_copy";

    /// <summary>Makes both anew. Every seventh order is missing in the copy, every tenth costs a cent more, and there are two more at its
    /// end.</summary>
    public static void Make(string file, int rows)
    {
        using SqliteConnection connection = Open(file);
        using SqliteTransaction transaction = connection.BeginTransaction();
        Create(connection, Original, Enumerable.Range(1, rows).Select(Row));
        Create(connection, Copy, Enumerable.Range(1, rows + 2).Where(id => id % 7 != 0 || id > rows).Select(Row)
            .Select(order => order.Id % 10 == 0 ? order with { Cents = order.Cents + 1 } : order));
        transaction.Commit();
    }

    public static IReadOnlyDictionary<long, Order> Read(string file, string table)
    {
        using SqliteConnection connection = Open(file);
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = $"SELECT id, customer, cents FROM {Quote(table)} ORDER BY id";
        using SqliteDataReader reader = command.ExecuteReader();
        var orders = new SortedDictionary<long, Order>();
        while (reader.Read()) orders.Add(reader.GetInt64(0), new(reader.GetInt64(0), reader.GetString(1), reader.GetInt64(2)));
        return orders;
    }

    private static Order Row(int id) => new(id, string.Create(CultureInfo.InvariantCulture, $"customer {id % 5}"), id * 100L);

    private static void Create(SqliteConnection connection, string table, IEnumerable<Order> orders)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText =
            $"DROP TABLE IF EXISTS {Quote(table)}; CREATE TABLE {Quote(table)} (id INTEGER PRIMARY KEY, customer TEXT NOT NULL, cents "
            + $"INTEGER NOT NULL)";
        command.ExecuteNonQuery();
        command.CommandText = $"INSERT INTO {Quote(table)} VALUES ($id, $customer, $cents)";
        SqliteParameter id = command.Parameters.Add("$id", SqliteType.Integer),
            customer = command.Parameters.Add("$customer", SqliteType.Text), cents = command.Parameters.Add("$cents", SqliteType.Integer);
        foreach (Order order in orders)
        {
            (id.Value, customer.Value, cents.Value) = (order.Id, order.Customer, order.Cents);
            command.ExecuteNonQuery();
        }
    }

    private static string Quote(string table) => $"\"{table.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static SqliteConnection Open(string file)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Pooling = false }.ConnectionString);
        connection.Open();
        return connection;
    }
}
