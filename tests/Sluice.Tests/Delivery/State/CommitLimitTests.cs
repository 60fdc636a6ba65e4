using Sluice.Delivery;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A partition learns how many timers, and how many ends of keys, fit into one commit. Those that do not fit go through the nodes
/// behind again.</summary>
public sealed class CommitLimitTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task WindowsOfManyKeysGoThroughTheNodesBehindLittleMoreThanOnce(bool isAtEnd)
    {
        const int Keys = 150;
        (int seen, var clock, var ledger) = (0, new TestClock(), new Ledger());
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        var options = new ConsecutorOptions
        {
            Store = store,
            Process = new(),
            Stream = new() { Partitions = 1 },
            Run = new() { Time = clock }
        };
        await using var texts = new Consecutor<string>("texts", source => source | (static text => text.Length) | ledger.Sink<int>(),
            options);
        await using var numbers = new Consecutor<int>("numbers", source => (source | Stage.KeyBy(static (int n) => n))
            .Window(TimeSpan.FromMinutes(1), maxItems: 10) | Stage.Named("minute") | (window =>
            {
                Interlocked.Increment(ref seen);
                return new string('x', 100_000);     // ten of them fit
            }) | Sink.Output<string>("texts"), options);
        numbers.Output<string>("texts").To(texts);
        await texts.StartAsync(Cancellation);
        await numbers.StartAsync(Cancellation);
        await numbers.SendAllAsync([.. Enumerable.Range(0, Keys)], Cancellation);
        await numbers.WaitForIdleAsync(Cancellation);
        if (isAtEnd) await numbers.CompleteAsync(Cancellation);
        else clock.Advance(TimeSpan.FromMinutes(1));
        await Member.UntilAsync(() => ledger.Lines.Count == Keys || numbers.Completion.IsCompleted);
        Assert.InRange(Volatile.Read(ref seen), Keys, Keys + 150);
    }

    [Fact]
    public void ALimitRemembersWhatWasTooLarge()
    {
        var limit = new CommitLimit(64);
        (int committed, int undone) = (0, 0);
        for (int i = 0; i < 1000; i++)
        {
            if (limit.Value > 20)
            {
                undone += limit.Value;
                limit.TooLarge(limit.Value);
            }
            else
            {
                committed += limit.Value;
                limit.HaveCommitted(limit.Value);
            }
        }
        Assert.InRange(undone, 1, committed / 10);
    }

    [Fact]
    public void ALimitGrowsAgainWhenOneAloneWasTooLarge()
    {
        var limit = new CommitLimit(64);
        for (int count = 64; count > 1; count = limit.TooLarge(count)) { }
        limit.HaveFoundCause();
        for (int i = 0; i < 10; i++) limit.HaveCommitted(1);     // not full but the first time
        Assert.Equal(2, limit.Value);
        for (int i = 0; i < 25; i++) limit.HaveCommitted(limit.Value);
        Assert.Equal(64, limit.Value);
    }
}
