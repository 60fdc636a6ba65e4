using System.Diagnostics;
using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>A member that takes over many partitions has the lock of their stream for a few round trips, not for some of each.</summary>
public class TakingPartitionsTests(SharedServer server)
{
    private const int Partitions = 200;
    private static readonly GroupId Main = new("orders", "main");
    private readonly string schema = SharedServer.NewSchema();

    [Fact]
    public async Task ManyPartitionsAreTakenAndGivenBackInAFewRoundTrips()
    {
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(
            $"{server.Server.Address};Application Name={schema}", Patient.Options with { Schema = schema });
        await store.OpenStreamAsync("orders", new() { Partitions = Partitions });
        await store.AddGroupAsync(Main);
        int batches = 0;
        using var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == "Npgsql",
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity =>
            {
                if (activity.TagObjects.Any(tag => tag.Value is string text && text.Contains($"\"{schema}\"", StringComparison.Ordinal)))
                    Interlocked.Increment(ref batches);
            },
        };
        ActivitySource.AddActivityListener(listener);

        AcquireResult[] taken = await TogetherAsync(() => Enumerable.Range(0, Partitions)
            .Select(partition => store.AcquireAsync(Main, partition, new("member")).AsTask()));
        Assert.All(taken, static one => Assert.Equal(AcquireStatus.Taken, one.Status));
        Assert.InRange(batches, 2, 30);

        batches = 0;
        bool[] released = await TogetherAsync(() => taken.Select(one => store.ReleaseAsync(one.Ownership).AsTask()));
        Assert.All(released, Assert.True);
        Assert.InRange(batches, 2, 30);
    }

    // The first round waits until all have called: otherwise a slow caller would need more rounds.
    private async Task<T[]> TogetherAsync<T>(Func<IEnumerable<Task<T>>> call)
    {
        await using ByHand hand = await ByHand.LockAsync(server.Server, schema, "orders");
        Task<T>[] calls = [.. call()];
        await ByHand.BlockedAsync(server.Server, schema);
        await hand.CommitAsync();
        return await Task.WhenAll(calls);
    }

    /// <summary>What a commit of the same round has put aside is among the waiting items of the new owner.</summary>
    [Fact]
    public async Task AMemberThatTakesAPartitionInTheRoundOfACommitSeesWhatItChanged()
    {
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(server.Server.Address, new() { Schema = schema });
        await store.OpenStreamAsync("orders", new() { Partitions = 1 });
        await store.AddGroupAsync(Main);
        using var batch = new EntryBatch();
        batch.Add("one"u8);
        await store.AppendAsync(new("orders", "p", 0, 1, batch));
        Ownership first = (await store.AcquireAsync(Main, 0, new("first"))).Ownership;
        await store.LeaseAsync(new([first]));
        // The other calls come while the first one has its round, so they share the next one.
        Task before = store.PauseGroupAsync(Main, isPaused: false).AsTask();
        var retry = new RetryWrite(1, 1, TimeSpan.FromHours(1), "node", "error");
        Task<CommitResult> commit = store.CommitAsync(new(first, 1) { Deferred = [retry] }).AsTask();
        Task<AcquireResult> taking = store.AcquireAsync(Main, 0, new("second")).AsTask();
        await before;
        Assert.Equal(CommitStatus.Committed, (await commit).Status);
        Assert.Equal([1L], (await taking).State!.Waiting.Select(static one => one.Entry.Sequence));
    }
}
