using System.Globalization;
using Npgsql;
using Sluice.PostgreSql;

namespace Sluice.Programs;

/// <summary>Processes with a PostgreSQL store, until they are killed.</summary>
internal static class PostgresProgram
{
    public static async Task<int> RunAsync(string[] args)
    {
        await (args switch
        {
            ["send", var address, var schema, var commits] => SendAsync(address, schema, commits == "commits"),
            ["changes", var shop, var store, var schema] => FollowAsync(shop, store, schema),
            _ => throw new ArgumentException($"postgres takes send or changes, not {string.Join(' ', args)}.", nameof(args)),
        });
        await Task.Delay(Timeout.Infinite);
        return 0;
    }

    /// <summary>Each change as two items, which are accepted together or not.</summary>
    public static Source<string> Changes(string address, Action<string> say, Action<string>? warn = null)
        => PostgresSource.Changes("shop", address, "shop", change =>
        {
            string text = string.Create(CultureInfo.InvariantCulture,
                $"{change.Kind} {(change.Row ?? change.OldRow)?["id"]} {change.Row?["version"]}");
            say(text);
            return text;
        }, new() { AcknowledgeInterval = TimeSpan.FromMilliseconds(20), OnWarning = warn ?? Console.Error.WriteLine }) | Twice;

    /// <summary>The consecutor that accepts the changes.</summary>
    public static Consecutor<string> Intake(PostgresStreamStore store, Action<string> see)
        => new("intake", items => items | see, new()
        {
            Store = store,
            Stream = new() { Partitions = 1 },
            Run = new() { Mode = ExecutionMode.SingleThread },
        });

    // Sends in a transaction of its own, and says when.
    private static async Task SendAsync(string address, string schema, bool commits)
    {
        PostgresStreamStore store = await PostgresStreamStore.OpenAsync(address, new() { Schema = schema });
        var orders = new Consecutor<string>("orders", source => source | (_ => { }),
            new() { Store = store, Stream = new() { Partitions = 1 } });
        var connection = new NpgsqlConnection(address);
        await connection.OpenAsync();
        NpgsqlTransaction transaction = await connection.BeginTransactionAsync();
        await orders.SendAllAsync(["1", "2"], transaction);
        if (commits) await transaction.CommitAsync();
        Console.Out.WriteLine("sent");
    }

    private static async Task FollowAsync(string shop, string address, string schema)
    {
        PostgresStreamStore store = await PostgresStreamStore.OpenAsync(address,
            new() { Schema = schema, Timeout = TimeSpan.FromMinutes(1) });
        await (Changes(shop, Console.Out.WriteLine) | Intake(store, static _ => { })).RunAsync();
    }

    private static IEnumerable<string> Twice(string text) => [$"{text} a", $"{text} b"];
}
