using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>
/// After a failure in the middle of a batch, the client may be wrong about what is prepared on the connection: the store does
/// not use it again.
/// </summary>
public sealed class ConfusedConnectionTests : IAsyncLifetime
{
    private PostgresServer? running;

    private PostgresServer Server => running!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => running = await PostgresServer.StartAsync();

    public async ValueTask DisposeAsync() => await Server.DisposeAsync();

    // The settings of a user are those of the time of the login.
    [Fact]
    public async Task AStatementTimeoutThatIsRaisedCountsForTheNextCall()
    {
        await using PostgresStreamStore store = await OpenAsync();
        await Server.AskAsync("ALTER ROLE sluice SET statement_timeout = '100ms'; "
            + "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'Sluice'");
        await using ByHand blocker = await ByHand.LockAsync(Server, "sluice", "orders");
        var failed = await Assert.ThrowsAsync<StreamStoreException>(() => EndAsync(store));
        Assert.Contains("has cancelled a statement", failed.Message, StringComparison.Ordinal);

        await Server.AskAsync("ALTER ROLE sluice RESET statement_timeout");
        Task<StreamEnd> ending = EndAsync(store);
        Task waited = ByHand.UntilAsync(Server, "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'Sluice' "
            + "AND wait_event_type = 'Lock' AND now() - query_start > '200ms'");
        Assert.Same(waited, await Task.WhenAny(ending, waited));
        await blocker.CommitAsync();
        Assert.Equal(StreamEnd.Complete, await ending);
    }

    [Fact]
    public async Task AConnectionOnWhichAStatementWasRefusedIsClosed()
    {
        await using PostgresStreamStore store = await OpenAsync();
        await Server.AskAsync("REVOKE UPDATE ON sluice.stream FROM sluice");
        await Assert.ThrowsAsync<StreamStoreException>(() => EndAsync(store));
        await ClosedAsync();
        await Server.AskAsync("GRANT UPDATE ON sluice.stream TO sluice");
        Assert.Equal(StreamEnd.Complete, await EndAsync(store));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AConnectionOnWhichTheUnexpectedHasHappenedIsClosed(bool writes)
    {
        bool fails = false;
        await using PostgresStreamStore store = await OpenAsync(new()
        {
            ServerTime = () => Volatile.Read(ref fails) ? throw new InvalidCastException("another statement was executed") : null
        });
        Volatile.Write(ref fails, true);
        await Assert.ThrowsAsync<InvalidCastException>(() => writes ? EndAsync(store)
            : store.FindStreamAsync("orders", Cancellation).AsTask());
        Volatile.Write(ref fails, false);
        await ClosedAsync();
        Assert.Equal(StreamEnd.Complete, await EndAsync(store));
    }

    // What the store refuses by itself says nothing about the connection.
    [Fact]
    public async Task ACallThatTheStoreRefusesKeepsItsConnection()
    {
        await using PostgresStreamStore store = await OpenAsync();
        object? before = await Server.AskAsync(
            "SELECT string_agg(pid::text, ',' ORDER BY pid) FROM pg_stat_activity WHERE application_name = 'Sluice'");
        await Assert.ThrowsAsync<StreamStoreException>(async () => await store.EndStreamAsync("unknown", StreamEnd.Complete, Cancellation));
        Assert.NotNull(await store.FindStreamAsync("orders", Cancellation));
        Assert.Equal(before, await Server.AskAsync(
            $"SELECT string_agg(pid::text, ',' ORDER BY pid) FROM pg_stat_activity WHERE pid IN ({before})"));
    }

    private async Task<PostgresStreamStore> OpenAsync(PostgresStoreOptions? options = null)
    {
        PostgresStreamStore store = await PostgresStreamStore.OpenAsync(Server.Address, options, Cancellation);
        await store.OpenStreamAsync("orders", new() { Partitions = 1 }, Cancellation);
        return store;
    }

    private static Task<StreamEnd> EndAsync(PostgresStreamStore store)
        => store.EndStreamAsync("orders", StreamEnd.Complete, Cancellation).AsTask();

    // The connection that listens is not a caller's.
    private Task ClosedAsync() => ByHand.UntilAsync(Server,
        "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'Sluice' AND query NOT LIKE 'LISTEN%'");
}
