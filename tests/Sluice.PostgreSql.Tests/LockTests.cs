using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>Transactions that are in each other's way: frozen processes, other locks, changes between two statements.</summary>
public class LockTests(SharedServer server) : IAsyncLifetime
{
    private static readonly GroupId Main = new("a", "main");
    private readonly string schema = SharedServer.NewSchema();
    private PostgresStreamStore? opened;

    private PostgresStreamStore Store => opened!;

    public async ValueTask InitializeAsync()
    {
        opened = await OpenAsync(new() { MaxWriters = 2 });
        foreach (string stream in (string[])["a", "b", "c", "d"]) await Store.OpenStreamAsync(stream, new() { Partitions = 1 });
        await Store.AddGroupAsync(Main);
    }

    public async ValueTask DisposeAsync()
    {
        if (opened is not null) await opened.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task AProcessThatIsFrozenInTheMiddleOfARoundLosesItsLocks()
    {
        using var thawed = new ManualResetEventSlim();
        TaskCompletionSource? frozen = null;
        await using PostgresStreamStore freezing = await OpenAsync(new()
        {
            FrozenAfter = TimeSpan.FromMilliseconds(200),
            ServerTime = () =>
            {
                if (Interlocked.Exchange(ref frozen, null) is { } reached && reached.TrySetResult()) thawed.Wait();
                return null;
            }
        });
        var between = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        frozen = between;
        Task<AppendResult> first = AppendAsync(freezing, "a", "frozen");
        await between.Task;
        try
        {
            Assert.Equal(AppendStatus.Accepted, (await AppendAsync(Store, "a", "other")).Status);
        }
        finally
        {
            thawed.Set();
        }
        Assert.Equal(AppendStatus.Accepted, (await first).Status);
        Assert.Equal(2, (await Store.FindStreamAsync("a"))!.Appended);
    }

    [Fact]
    public async Task AStreamThatAnotherProcessHasLockedHoldsUpNoOtherOne()
    {
        await using ByHand one = await ByHand.LockAsync(server.Server, schema, "a");
        await using ByHand other = await ByHand.LockAsync(server.Server, schema, "c", "d");
        Task<AppendResult>[] writing = [AppendAsync(Store, "c", "p"), AppendAsync(Store, "d", "p")];
        await ByHand.BlockedAsync(server.Server, schema, connections: 2);
        Task<AppendResult> locked = AppendAsync(Store, "a", "p"), free = AppendAsync(Store, "b", "p");      // of one round
        await other.CommitAsync();
        await Task.WhenAll(writing);
        Assert.Equal(AppendStatus.Accepted, (await free).Status);
        Assert.False(locked.IsCompleted);
        await one.CommitAsync();
        Assert.Equal(AppendStatus.Accepted, (await locked).Status);
    }

    [Fact]
    public async Task AStreamThatIsCreatedWhileARoundWaitsIsNotPartOfIt()
    {
        Ownership owner = (await Store.AcquireAsync(Main, 0, new("m"))).Ownership;
        await using ByHand hand = await ByHand.LockAsync(server.Server, schema, "a");
        Task<LeaseResult> lease = Store.LeaseAsync(new([owner]) { BackpressureStreams = ["late"] }).AsTask();
        await ByHand.BlockedAsync(server.Server, schema);
        await using (PostgresStreamStore creator = await OpenAsync(new()))
        {
            await creator.OpenStreamAsync("late", new() { Partitions = 1 });
            await creator.AddGroupAsync(new("late", "main"));
        }
        await hand.CommitAsync();
        var missing = await Assert.ThrowsAsync<StreamStoreException>(() => lease);
        Assert.Contains("There is no stream late", missing.Message, StringComparison.Ordinal);
        Assert.Empty((await Store.LeaseAsync(new([owner]) { BackpressureStreams = ["late"] })).Batches);
    }

    [Fact]
    public async Task AMemberThatLeavesDoesNotTakeAnotherInstanceWithIt()
    {
        await Store.HeartbeatAsync(new(Main, "m", "old", TimeSpan.FromSeconds(10)));
        await using ByHand hand = await ByHand.BeginAsync(server.Server, $"UPDATE {schema}.member SET instance = 'new', beats = beats + 1");
        Task leaving = Store.LeaveAsync(Main, "m", "old").AsTask();
        await ByHand.BlockedAsync(server.Server, schema);
        await hand.CommitAsync();
        await leaving;
        Assert.Equal(["new"], (await Store.FindGroupAsync(Main))!.Members.Select(member => member.Instance));
        await Store.LeaveAsync(Main, "m", "new");
        Assert.Empty((await Store.FindGroupAsync(Main))!.Members);
    }

    [Fact]
    public async Task TheUsersDefaultsForTransactionsDoNotMatter()
    {
        string user = $"strict_{schema}";
        await server.Server.AskAsync($"CREATE USER {user} PASSWORD 'secret'; GRANT USAGE ON SCHEMA {schema} TO {user}; "
            + $"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {user}; "
            + $"ALTER ROLE {user} SET default_transaction_isolation = 'serializable'; "
            + $"ALTER ROLE {user} SET default_transaction_read_only = on");
        string address = new Npgsql.NpgsqlConnectionStringBuilder(server.Address)
        { Username = user, ApplicationName = user }.ConnectionString;
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(address, new() { Schema = schema, AutoCreate = false });
        await store.OpenStreamAsync("strict", new() { Partitions = 1 });
        Assert.Equal(AppendStatus.Accepted, (await AppendAsync(store, "strict", "p")).Status);
        await store.HeartbeatAsync(new(Main, "m", "one", TimeSpan.FromSeconds(10)));
        await using ByHand hand = await ByHand.BeginAsync(server.Server, $"UPDATE {schema}.member SET beats = beats + 1");
        Task<HeartbeatResult> beat = store.HeartbeatAsync(new(Main, "m", "one", TimeSpan.FromSeconds(10))).AsTask();
        await ByHand.BlockedAsync(server.Server, user);
        await hand.CommitAsync();
        Assert.Equal((HeartbeatStatus.Accepted, 3L), ((await beat).Status, (await beat).Holder.Heartbeats));
    }

    private ValueTask<PostgresStreamStore> OpenAsync(PostgresStoreOptions options)
        => PostgresStreamStore.OpenAsync($"{server.Address};Application Name={schema}", options with { Schema = schema });

    private static async Task<AppendResult> AppendAsync(PostgresStreamStore store, string stream, string producer)
    {
        using var batch = new EntryBatch();
        batch.Add("entry"u8);
        return await store.AppendAsync(new(stream, producer, 0, 1, batch));
    }
}
