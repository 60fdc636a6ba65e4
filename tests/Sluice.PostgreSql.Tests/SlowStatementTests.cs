using System.Collections.Concurrent;
using Npgsql;
using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>A server that runs what the application has asked for is not away, however long that takes.</summary>
public sealed class SlowStatementTests(SharedServer server) : IAsyncLifetime
{
    // More than twice the time after which a silent server is reported, as the timer may be early once.
    private const string Slow = "SELECT pg_sleep(4.5)";
    private static readonly TimeSpan NoticeAfter = TimeSpan.FromSeconds(2);

    private static readonly GroupId Main = new("orders", "main");
    private readonly EmptiedSchema place = EmptiedSchema.Rent(server.Address);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => default;

    public async ValueTask DisposeAsync() => await place.ReturnAsync();

    [Fact]
    public Task ASlowRowIsNoSilentServer() => IsNoSilenceAsync(new PostgresWrites().Add(Slow));

    [Fact]
    public Task ASlowFunctionIsNoSilentServer() => IsNoSilenceAsync(new CommitFunctions(typeof(NpgsqlTransaction),
        [("node", "item", static async (transaction, cancellation) =>
        {
            await using var slow = new NpgsqlCommand(Slow, ((NpgsqlTransaction)transaction).Connection);
            await slow.ExecuteNonQueryAsync(cancellation);
        })]));

    // No other call goes on meanwhile: its answer would show that the server is not away.
    private async Task IsNoSilenceAsync(ICommitAttachment attachment)
    {
        ConcurrentQueue<string> warnings = [];
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(place.Connections,
            new()
            {
                Schema = place.Name,
                NoticeAfter = NoticeAfter,
                MaxFunctionTime = TimeSpan.FromMinutes(1),
                OnWarning = warnings.Enqueue
            }, Cancellation);
        await store.OpenStreamAsync("orders", new() { Partitions = 1 }, Cancellation);
        await store.AddGroupAsync(Main, cancellation: Cancellation);
        Ownership owner = (await store.AcquireAsync(Main, 0, new("member"), Cancellation)).Ownership;
        warnings.Clear();
        // During the first one, the store may still look for what dead processes have left.
        for (int i = 1; i <= 2; i++)
            Assert.Equal(CommitStatus.Committed,
                (await store.CommitAsync(new(owner, i) { Attachments = [attachment] }, Cancellation)).Status);
        Assert.Empty(warnings);
    }
}
