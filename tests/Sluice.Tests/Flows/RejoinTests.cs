using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>A service restarts under its old name while another one is alive.</summary>
public class RejoinTests
{
    private const int FirstRounds = 5_000;           // many: on one core the test's clock runs ahead of code that is still being compiled
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };
    private static readonly Flow Working = Flow.From(Work).Resolve();

    /// <remarks>In the store the service owns more than its share, and it sends heartbeats: no other service would ever acquire its
    /// partitions.</remarks>
    [Fact]
    public async Task ARestartedServiceReacquiresItsPartitionsBeyondItsShare()
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        SupervisorOptions Named(string name) => new() { Name = name, Time = clock, LeaseDuration = TimeSpan.FromSeconds(9) };
        GroupId group = FlowNames.Hosts("work");
        var first = Supervisor.Attach(store, Named("one"));
        first.Register(Work, StartTests.CopyAsync);
        await UntilAsync(info => info.Partitions.All(static partition => partition.Owner == "one"));
        await first.AbandonAsync();
        BeatingClock others = new(clock, TimeSpan.FromSeconds(3)), agains = new(clock, TimeSpan.FromSeconds(3));
        await using var other = Supervisor.Attach(store, Named("other") with { Time = others });
        other.Register(Work, StartTests.CopyAsync);
        await UntilAsync(info => info.Members.Any(static member => member.Name == "other"));
        await using var again = Supervisor.Attach(store, Named("one") with { Time = agains });
        again.Register(Work, StartTests.CopyAsync);
        await UntilAsync(info => info.Partitions.Any(static partition => partition.Epoch == 2));
        await Task.WhenAll(others.BegunAsync(), agains.BegunAsync());

        FlowRun[] runs = await Task.WhenAll(Enumerable.Range(0, 64)
            .Select(n => other.StartAsync(Working, [IOVal.Of("x", n)], cancellation: FlowLab.Cancellation)));
        Task done = Task.WhenAll(runs.Select(static run => run.Completion));
        var rounds = new Rounds(FirstRounds);
        while (!done.IsCompleted)
        {
            Assert.True(await rounds.GoOnAsync(),
                $"{runs.Count(static run => !run.Completion.IsCompleted)} runs stand "
                    + $"still: {string.Join(' ', (await store.FindGroupAsync(group, FlowLab.Cancellation))!.Partitions.Select(static partition => $"{partition.Owner}:{partition.Epoch}"))}");
            long[] before = await BeatsAsync();
            clock.Advance(TimeSpan.FromSeconds(3));
            while (!done.IsCompleted && (await BeatsAsync()).Zip(before).Any(static beats => beats.First == beats.Second))
                await Task.Yield();
            for (int i = 0; i < 1_000 && !done.IsCompleted; i++) await Task.Yield();
        }
        await done;
        foreach (FlowRun run in runs) await run.DisposeAsync();

        async Task<long[]> BeatsAsync() => [.. (await store.FindGroupAsync(group, FlowLab.Cancellation))!.Members.Select(static member =>
            member.Heartbeats)];

        async Task UntilAsync(Func<GroupInfo, bool> isSo)
        {
            while (await store.FindGroupAsync(group, FlowLab.Cancellation) is not { } info || !isSo(info))
            {
                FlowLab.Cancellation.ThrowIfCancellationRequested();
                await Task.Yield();
            }
        }
    }
}
