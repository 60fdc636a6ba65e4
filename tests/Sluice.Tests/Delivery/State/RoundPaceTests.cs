using Sluice.Delivery;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Rounds of slow items are small, so that an item is committed soon after it has ended.</summary>
public class RoundPaceTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void RoundsGrowWhileTheyAreFast()
    {
        var pace = new RoundPace(512);
        List<int> sizes = [];
        for (int i = 0; i < 7; i++)
        {
            sizes.Add(pace.Items);
            pace.Learn(pace.Items, TimeSpan.FromMilliseconds(499));
        }
        Assert.Equal([16, 32, 64, 128, 256, 512, 512], sizes);
    }

    [Fact]
    public void ARoundThatWasNotFullSaysNothingAboutLargerOnes()
    {
        var pace = new RoundPace(512);
        pace.Learn(15, TimeSpan.Zero);
        pace.Learn(0, TimeSpan.FromHours(1));        // the end of the input
        Assert.Equal(16, pace.Items);
    }

    [Theory]
    [InlineData(16, 3.2, 5)]
    [InlineData(16, 1.0, 16)]
    [InlineData(4, 2.0, 2)]
    [InlineData(1, 3600, 1)]
    public void ARoundThatWasTooLongMakesLaterOnesSmaller(int items, double seconds, int then)
    {
        var pace = new RoundPace(512);
        pace.Learn(items, TimeSpan.FromSeconds(seconds));
        Assert.Equal(then, pace.Items);
    }

    [Fact]
    public async Task AnItemOfASlowKeyIsCommittedBeforeTheOthersHaveEnded()
    {
        const int All = 40;
        var clock = new TestClock();
        await using IStreamStore inner = await ScenarioStore.OpenAsync(clock);
        var store = new PacedStore(inner);
        int handled = 0;
        await using var consecutor = new Consecutor<int>("slow",
            source => source | (async number =>
            {
                await Task.Delay(TimeSpan.FromMilliseconds(900), clock);
                Interlocked.Increment(ref handled);
                return number;
            }) | (static _ => { }),
            new() { Store = store, Process = new(), Stream = new() { Partitions = 1 }, Run = new() { Time = clock } })
        { Key = static _ => "one" };
        await consecutor.SendAllAsync(Enumerable.Range(0, All), Cancellation);
        await consecutor.StartAsync(Cancellation);

        // The first round is as large as any first round. Behind it, each item has a commit of its own.
        long most = 0;
        await store.PassAsync(clock, () =>
        {
            long completed = consecutor.Snapshot().Completed;
            if (Volatile.Read(ref handled) is > 17 and var ended) most = Math.Max(most, ended - completed);
            return completed == All;
        }, () => $"{handled} handled, {consecutor.Snapshot()}");
        Assert.InRange(most, 0, 2);
    }

    /// <remarks>Formerly 64 timers shared a commit, however long their handlers took.</remarks>
    [Fact]
    public async Task ASlowTimerIsCommittedBeforeTheOthersHaveFired()
    {
        const int All = 40;
        var clock = new TestClock();
        var ledger = new Ledger();
        await using IStreamStore inner = await ScenarioStore.OpenAsync(clock);
        var store = new PacedStore(inner);
        int handled = 0;
        await using var consecutor = new Consecutor<int>("slow",
            source => source | StageNode.Of(() => new SlowTimers(async () =>
            {
                await Task.Delay(TimeSpan.FromMilliseconds(900), clock);
                Interlocked.Increment(ref handled);
            })) | Stage.Named("slow") | ledger.Sink<int>(),
            new() { Store = store, Process = new(), Stream = new() { Partitions = 1 }, Run = new() { Time = clock } })
        { Key = static number => $"{number}" };
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync(Enumerable.Range(0, All), Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);

        long most = 0;
        await store.PassAsync(clock, () =>
        {
            int committed = ledger.Lines.Count;
            if (Volatile.Read(ref handled) is > 17 and var ended) most = Math.Max(most, ended - committed);
            return committed == All;
        }, () => $"{handled} handled, {consecutor.Snapshot()}");
        Assert.InRange(most, 0, 2);
    }

    private sealed class SlowTimers(Func<Task> work) : TimedStageNode<int, int, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            Timers.Set(TimeSpan.FromMinutes(1));
            return default;
        }

        protected override async ValueTask OnTimerAsync(string timer, Output<int> output, CancellationToken cancellation)
        {
            await work();
            await output.PushAsync(1);
        }
    }
}
