using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>A round tells other processes of its changes behind its <c>COMMIT</c>, in the same round trip.</summary>
public sealed class TellingTests : IAsyncLifetime
{
    private PostgresServer? running;

    private PostgresServer Server => running!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => running = await PostgresServer.StartAsync();

    public async ValueTask DisposeAsync() => await Server.DisposeAsync();

    [Fact]
    public async Task AnAppendIsAcceptedOnceIfNobodyCanBeToldAndOthersHearOfItLater()
    {
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(Server.Address, cancellation: Cancellation),
            other = await PostgresStreamStore.OpenAsync(Server.Address, cancellation: Cancellation);
        await store.OpenStreamAsync("orders", new() { Partitions = 1 }, Cancellation);
        long seen = await other.WaitForChangeAsync("orders", -1, Cancellation);
        await Server.AskAsync("REVOKE EXECUTE ON FUNCTION pg_notify(text, text) FROM PUBLIC");
        using var batch = new EntryBatch();
        batch.Add("one"u8);
        for (int i = 1; i <= 20; i++)
            Assert.Equal(new(AppendStatus.Accepted, i, new EntryId(store.Generation, "orders", 0, i)),
                await store.AppendAsync(new("orders", "p", 0, i, batch), Cancellation));
        // Also a call that could not be repeated if it were not known whether it was executed.
        ProducerState opened = await store.OpenProducerAsync("orders", "q", Cancellation);
        Assert.Equal((1, 0), (opened.Epoch % (1 << 20), opened.Last));           // the first epoch of those of the stream
        Assert.Equal(20, (await store.FindStreamAsync("orders", Cancellation))!.Appended);
        await Server.AskAsync("GRANT EXECUTE ON FUNCTION pg_notify(text, text) TO PUBLIC");
        Assert.True(await other.WaitForChangeAsync("orders", seen, Cancellation) > seen);
    }

    [Fact]
    public async Task OneRoundAtATimeTells()
    {
        await using Npgsql.NpgsqlDataSource source = Npgsql.NpgsqlDataSource.Create(Server.Address);
        await using var notifier = new Notifier(source, ownsSource: false, new(), new());
        await notifier.Begun.WaitAsync(Cancellation);
        Dictionary<string, HashSet<int>?> changes = new() { ["orders"] = [1] };
        Assert.NotNull(notifier.Carry(changes));
        Assert.Null(notifier.Carry(changes));
        notifier.Release(hasTold: false);
        Assert.NotNull(notifier.Carry(changes));
        notifier.Release(hasTold: true);
    }
}
