using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>What senders share: an append, the name of a batch.</summary>
public class SharedAppendTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>The stream was made with a lower limit than the options of this consecutor have.</remarks>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnItemThatIsTooLongForTheStreamIsRefusedAlone(bool isWarm)
    {
        await using var store = new MemoryStreamStore();
        await store.OpenStreamAsync("work", new() { MaxEntryBytes = 200 }, Cancellation);
        await using var consecutor = new Consecutor<string>("work", source => source.ForEach(_ => { }),
            new() { Store = new SlowToOpen(store) });
        if (isWarm) await consecutor.SendAsync("first", Cancellation);
        Task[] sends = [.. Enumerable.Range(0, 20).Select(i => consecutor.SendAsync(i == 7 ? new string('x', 1000) : $"{i}",
            CancellationToken.None).AsTask())];
        for (int i = 0; i < sends.Length; i++)
        {
            if (i != 7) await sends[i];
            else Assert.True((await Assert.ThrowsAsync<PayloadException>(() => sends[i])).IsTooLong);
        }
        Task[] tries = [.. Enumerable.Range(0, 20).Select(i => consecutor.TrySendAsync(i == 7 ? new string('x', 1000) : $"{i}", null,
            Cancellation))];
        for (int i = 0; i < tries.Length; i++)
        {
            if (i != 7) await tries[i];
            else await Assert.ThrowsAsync<PayloadException>(() => tries[i]);
        }
        await Assert.ThrowsAsync<PayloadException>(() => consecutor.TrySendAsync(new string('x', 1000), new() { IdempotencyKey = "key" },
            Cancellation));
        await consecutor.StartAsync(Cancellation);
        Assert.Equal(38 + (isWarm ? 1 : 0), (await consecutor.WaitForIdleAsync(Cancellation)).Completed);
    }

    /// <summary>A fingerprint alone finds no repetition.</summary>
    [Fact]
    public async Task AFingerprintWithoutAKeyIsRefused()
    {
        await using var consecutor = new Consecutor<int>("work", source => source.ForEach(_ => { }),
            new() { Store = new MemoryStreamStore() });
        var options = new SendOptions { Fingerprint = new byte[1] };
        Assert.Contains("and there is no key: give one.",
            (await Assert.ThrowsAsync<ArgumentException>(() => consecutor.TrySendAllAsync([1, 2], options, Cancellation))).Message,
            StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentException>(async () => await consecutor.TrySendAsync(1, options, Cancellation));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AClosedBatchRefusesFurtherItems(bool hasEnded)
    {
        await using var store = new MemoryStreamStore();
        List<string> told = [];
        await using var consecutor = new Consecutor<int>("work", source => source.ForEach(_ => { }), new()
        {
            Store = store,
            OnBatchCompleted = (end, _) =>
            {
                lock (told) told.Add($"{end.Batch}: {end.Items}");
                return default;
            },
        });
        ConsecutorBatch<int> first = await consecutor.OpenBatchAsync("monday", Cancellation);
        await first.SendAllAsync([1, 2], Cancellation);
        ConsecutorBatch<int> beside = await consecutor.OpenBatchAsync("monday", Cancellation);          // still open: the same batch
        await beside.SendAsync(3, Cancellation);
        if (hasEnded) await consecutor.StartAsync(Cancellation);
        Assert.True(await first.CloseAsync(Cancellation));
        if (hasEnded) await consecutor.WaitForIdleAsync(Cancellation);
        ConsecutorBatch<int> again = await consecutor.OpenBatchAsync("monday", Cancellation);
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => again.SendAsync(4, Cancellation).AsTask());
        Assert.Contains("A batch monday of work was closed before", refused.Message);
        await Assert.ThrowsAsync<InvalidOperationException>(() => again.SendAllAsync([5, 6], Cancellation).AsTask());
        Assert.False(await again.CloseAsync(Cancellation));
        if (!hasEnded) await consecutor.StartAsync(Cancellation);
        await Member.UntilAsync(() => consecutor.Snapshot() is { IsIdle: true, Completed: 4 });          // the end is an item as well
        Assert.Equal(["monday: 3"], told);
    }

    /// <summary>Opens the stream slowly, so that senders arrive meanwhile.</summary>
    private sealed class SlowToOpen(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public override async ValueTask<StreamInfo> OpenStreamAsync(string stream, StreamOptions? options = null,
            CancellationToken cancellation = default)
        {
            for (int i = 0; i < 10; i++) await Task.Yield();
            return await base.OpenStreamAsync(stream, options, cancellation);
        }
    }
}
