using System.Collections.Concurrent;
using Sluice.Testing;

namespace Sluice.Tests.Deliveries;

/// <summary>Who sends together is appended together.</summary>
public class SendingTests
{
    private const int Senders = 200;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ABatchIsOneAppend()
    {
        await using var store = new SlowStore();
        await using var consecutor = new Consecutor<int>("numbers", source => source.ForEach(_ => { }), new() { Store = store });
        ValueTask sending = consecutor.SendAllAsync([.. Enumerable.Range(0, 1000)], Cancellation);
        store.LetOneGo();
        await sending;
        Assert.Equal([1000], store.Appends);
    }

    [Fact]
    public async Task ALoneItemGoesAtOnceAndWhoComesMeanwhileSharesTheNextAppend()
    {
        await using var store = new SlowStore();
        await using var consecutor = new Consecutor<int>("numbers", source => source.ForEach(_ => { }), new() { Store = store });
        Task[] sending = [.. Enumerable.Range(0, Senders).Select(n => consecutor.SendAsync(n, Cancellation).AsTask())];
        store.LetOneGo();
        await sending[0];
        Assert.DoesNotContain(sending[1..], task => task.IsCompleted);
        store.LetOneGo();
        await Task.WhenAll(sending);
        Assert.Equal([1, Senders - 1], store.Appends);
    }

    [Fact]
    public async Task AnItemOfABatchThatCannotBeWrittenIsNamedAndThoseBeforeItAreAccepted()
    {
        await using var store = new MemoryStreamStore();
        var seen = new ConcurrentQueue<double>();
        await using var consecutor = new Consecutor<double>("numbers", source => source.ForEach(seen.Enqueue), new() { Store = store });
        await consecutor.StartAsync(Cancellation);

        var failure = await Assert.ThrowsAsync<PayloadException>(async () => await consecutor.SendAllAsync([1, 2, double.NaN, 4], Cancellation));
        Assert.StartsWith("Item 3 of 4 cannot be sent: ", failure.Message, StringComparison.Ordinal);
        Assert.EndsWith("The 2 before it are accepted; it and those behind it are not.", failure.Message, StringComparison.Ordinal);
        failure = await Assert.ThrowsAsync<PayloadException>(async () => await consecutor.SendAllAsync([double.NaN], Cancellation));
        Assert.StartsWith("Item 1 of 1 cannot be sent: ", failure.Message, StringComparison.Ordinal);
        await consecutor.SendAsync(5, Cancellation);

        Assert.Equal((3L, 3L), ((await consecutor.IdleAsync(Cancellation)).Accepted, consecutor.Snapshot().Completed));
        Assert.Equal([1, 2, 5], seen.Order());
    }

    /// <summary>A store whose appends take as long as they are told.</summary>
    private sealed class SlowStore() : StreamStoreWrapper(new MemoryStreamStore())
    {
        private readonly SemaphoreSlim gate = new(0);

        public List<int> Appends { get; } = [];

        public void LetOneGo() => gate.Release();

        public override async ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
        {
            await gate.WaitAsync(cancellation);
            Appends.Add(request.Entries.Count);
            return await base.AppendAsync(request, cancellation);
        }
    }
}
