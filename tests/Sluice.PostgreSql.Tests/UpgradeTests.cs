using Npgsql;
using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>The tables are upgraded while other transactions use them: none of them fails, or the upgrade says why.</summary>
public sealed class UpgradeTests(SharedServer server) : IAsyncLifetime
{
    private readonly string database = $"upgrade_{SharedServer.NewSchema()}";

    private string Address => server.Address.Replace("Database=sluice", $"Database={database}", StringComparison.Ordinal)
        + $";Application Name={database}";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await server.Server.AskAsync($"CREATE DATABASE {database} OWNER sluice");
        await StoredDump.RestoreAsync(server.Server.Port, database, await StoredDump.ReadAsync("version-1-early"));
    }

    public ValueTask DisposeAsync() => new(server.Server.AskAsync($"DROP DATABASE {database} WITH (FORCE)"));

    /// <remarks>The round and the upgrade lock tables in another order, so each would wait for the other one.</remarks>
    [Fact]
    public async Task ARoundOfAnOlderProcessEndsAndThenTheTablesAreUpgraded()
    {
        await using NpgsqlConnection older = new($"{Address} older");
        await older.OpenAsync(Cancellation);
        Task<PostgresStreamStore> opening;
        await using (NpgsqlTransaction round = await older.BeginTransactionAsync(Cancellation))
        {
            await AskAsync(older, "SELECT 1 FROM history.stream FOR UPDATE");
            opening = PostgresStreamStore.OpenAsync(Address, new() { Schema = StoredDump.Schema, Timeout = TimeSpan.FromMinutes(1) },
                Cancellation).AsTask();
            await ByHand.BlockedAsync(server.Server, database);
            Assert.True(await AskAsync(older, "SELECT count(*) FROM history.part") is > 0L);
            Assert.Equal(1, await AskAsync(older, "SELECT version FROM history.meta"));
            await round.CommitAsync(Cancellation);
        }
        await using PostgresStreamStore store = await opening;
        Assert.Equal(SchemaText.Version, await AskAsync(older, "SELECT version FROM history.meta"));
        await StoredEverything.CheckAsync(store);
    }

    [Fact]
    public async Task AnUpgradeThatATransactionHoldsUpSaysSoAndHasChangedNothing()
    {
        await using NpgsqlConnection older = new(Address);
        await older.OpenAsync(Cancellation);
        await using NpgsqlTransaction slow = await older.BeginTransactionAsync(Cancellation);
        await AskAsync(older, "SELECT 1 FROM history.stream");
        var refused = await Assert.ThrowsAsync<StreamStoreException>(async () => await PostgresStreamStore.OpenAsync(Address,
            new() { Schema = StoredDump.Schema, Timeout = TimeSpan.Zero }, Cancellation));
        Assert.Contains("must be created, or changed to the version that this library needs, and other transactions have used them for ",
            refused.Message, StringComparison.Ordinal);
        Assert.False(refused.IsPermanent);
        Assert.Equal(1, await AskAsync(older, "SELECT version FROM history.meta"));
        Assert.Equal(0L, await AskAsync(older, "SELECT count(*) FROM pg_class WHERE relname = 'gone'"));
    }

    private static async Task<object?> AskAsync(NpgsqlConnection connection, string text)
    {
        await using var command = new NpgsqlCommand(text, connection);
        return await command.ExecuteScalarAsync(Cancellation);
    }
}
