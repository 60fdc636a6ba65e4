using Npgsql;
using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>Items that were sent in committed transactions, and are in no partition yet. Tables have them since version 3.</summary>
internal static class StoredIntake
{
    private static readonly SendOptions Once = new() { IdempotencyKey = "once" };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Sends, and calls a function while no round can move the items.</summary>
    public static async Task FillAsync(NpgsqlDataSource database, PostgresStreamStore store, Func<Task> meanwhile)
    {
        await using Consecutor<string> sent = New(store, static _ => { });
        await sent.SendAsync("0", Cancellation);
        await using NpgsqlConnection locking = await database.OpenConnectionAsync(Cancellation);
        await using NpgsqlTransaction locked = await locking.BeginTransactionAsync(Cancellation);
        await RunAsync(locking, $"SELECT FROM {StoredDump.Schema}.stream WHERE name = 'sent' FOR UPDATE");
        await using (NpgsqlConnection connection = await database.OpenConnectionAsync(Cancellation))
        await using (NpgsqlTransaction transaction = await connection.BeginTransactionAsync(Cancellation))
        {
            await sent.SendAllAsync(["1", "2"], transaction, Cancellation);
            await sent.TrySendAsync("3", transaction, Once, Cancellation);
            await transaction.CommitAsync(Cancellation);
        }
        await meanwhile();
    }

    /// <summary>Processes what <see cref="FillAsync"/> has sent.</summary>
    public static async Task GoOnAsync(PostgresStreamStore store)
    {
        Assert.Equal(4, (await store.FindStreamAsync("sent", Cancellation))!.Appended);
        List<string> seen = [];
        await using Consecutor<string> sent = New(store, seen.Add);
        Assert.Equal(SendStatus.Repeated, (await sent.TrySendAsync("3", Once, Cancellation)).Status);
        await sent.StartAsync(Cancellation);
        await sent.WaitForIdleAsync(Cancellation);
        Assert.Equal(["0", "1", "2", "3"], seen);
    }

    private static Consecutor<string> New(PostgresStreamStore store, Action<string> see) => new("sent", source => source | see,
        new() { Store = store, Process = new(), Stream = new() { Partitions = 1 } });

    private static async Task RunAsync(NpgsqlConnection connection, string text)
    {
        await using var command = new NpgsqlCommand(text, connection);
        await command.ExecuteNonQueryAsync(Cancellation);
    }
}
