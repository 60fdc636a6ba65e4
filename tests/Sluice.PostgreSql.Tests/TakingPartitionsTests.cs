using System.Diagnostics;
using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>A member that takes over many partitions keeps the lock of their stream for a few round trips, not for some per partition.</summary>
public class TakingPartitionsTests(SharedServer server)
{
    private const int Partitions = 200;
    private static readonly GroupId Main = new("orders", "main");
    private readonly string schema = SharedServer.NewSchema();

    [Fact]
    public async Task ManyPartitionsAreTakenAndGivenBackInAFewRoundTrips()
    {
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(server.Server.Address, new() { Schema = schema });
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

        AcquireResult[] taken = await Task.WhenAll(Enumerable.Range(0, Partitions)
            .Select(async partition => await store.AcquireAsync(Main, partition, new("member"))));
        Assert.All(taken, static one => Assert.Equal(AcquireStatus.Taken, one.Status));
        Assert.InRange(batches, 2, 30);

        batches = 0;
        bool[] released = await Task.WhenAll(taken.Select(async one => await store.ReleaseAsync(one.Ownership)));
        Assert.All(released, Assert.True);
        Assert.InRange(batches, 2, 30);
    }
}
