using Sluice.Storage;

namespace Sluice.Tests.Storage;

/// <summary>What a process remembers of streams that other processes may have deleted.</summary>
public class StreamChangesTests
{
    private readonly StreamChanges changes = new();
    private int required;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AStreamForWhichNobodyWaitsIsForgottenAtTheSecondReport()
    {
        changes.Know("s");
        long count = await WaitAsync(-1);
        changes.PublishAll();
        count = await WaitAsync(count);              // used: it stays
        changes.PublishAll();
        count = await WaitAsync(count);
        Assert.Equal(0, required);
        changes.PublishAll();
        changes.PublishAll();
        long next = await WaitAsync(count);          // made known again, and counted as a change: one may have been missed
        Assert.Equal((1, true), (required, next > count));
    }

    [Fact]
    public async Task AWaitingCallerIsWokenByEachReport()
    {
        changes.Know("s");
        long count = await WaitAsync(-1);
        for (int report = 0; report < 5; report++)
        {
            Task<long> wait = WaitAsync(count);
            Assert.False(wait.IsCompleted);
            changes.PublishAll();
            long next = await wait;
            Assert.True(next > count);
            count = next;
        }
        Assert.Equal(0, required);
    }

    [Fact]
    public async Task AStreamThatIsForgottenWhileItIsMadeKnownIsMadeKnownAgain()
    {
        long count = await changes.WaitForChangeAsync("s", -1, () =>
        {
            changes.Know("s");
            if (++required > 1) return default;
            changes.PublishAll();
            changes.PublishAll();
            return default;
        }, Cancellation);
        Assert.Equal((2, true), (required, count > 0));
    }

    /// <summary>Messages between processes come from everybody who may publish them.</summary>
    [Theory]
    [InlineData(-1)]
    [InlineData(4096)]
    [InlineData(int.MaxValue)]
    public async Task ANumberThatNoPartitionHasWakesAllCallersOfTheStream(int partition)
    {
        changes.Know("s");
        long count = await WaitAsync(-1);
        Task<long> wait = changes.WaitForEntriesAsync("s", [0], count, static () => default, Cancellation).AsTask();
        changes.PublishEntries("s", [1]);
        Assert.False(wait.IsCompleted);
        changes.PublishEntries("s", [partition]);
        Assert.Equal(count + 2, await wait);
    }

    private async Task<long> WaitAsync(long after) => await changes.WaitForChangeAsync("s", after, () =>
    {
        required++;
        changes.Know("s");
        return default;
    }, Cancellation);
}
