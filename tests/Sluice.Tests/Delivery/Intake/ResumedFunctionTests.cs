using System.Runtime.CompilerServices;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>Functions of <c>Source.Resumable</c> that rely on nothing but its documentation: accepted items are gone at the next start, and
/// the memory of a position is used again.</summary>
public sealed class ResumedFunctionTests : IAsyncDisposable
{
    private readonly MemoryStreamStore store = new();
    private readonly Ledger ledger = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => store.DisposeAsync();

    [Fact]
    public async Task AcceptedItemsMayBeGoneAtTheNextStart()
    {
        await using Consecutor<int> consecutor = New(store);
        await consecutor.StartAsync(Cancellation);
        for (int next = 1; next < 10; next += 3)
            await (Source.Resumable<int>("queue", (_, _) => Items(next, 3)) | consecutor).RunAsync(cancellation: Cancellation);
        await HasAcceptedAsync(consecutor, 9);
    }

    [Fact]
    public async Task AcceptedItemsMayBeGoneAlsoAfterARunThatHasFailed()
    {
        var paced = new HeldAppends(store);
        await using Consecutor<int> consecutor = New(paced, maxItems: 100);
        await consecutor.StartAsync(Cancellation);
        PipelineRun run = (Source.Resumable<int>("queue", (_, _) => Items(1, 3, fails: true)) | consecutor).Start();
        await run.Completion.ContinueWith(static ended => _ = ended.Exception, TaskScheduler.Default);
        paced.First.SetResult();                     // the second append is made when the run has ended
        while (consecutor.Snapshot().Accepted < 3) await Task.Yield();
        await run.DisposeAsync();
        await (Source.Resumable<int>("queue", (_, _) => Items(4, 3)) | consecutor).RunAsync(cancellation: Cancellation);
        await HasAcceptedAsync(consecutor, 6);
    }

    [Fact]
    public async Task TheMemoryOfAPositionMayBeUsedAgain()
    {
        byte[] buffer = new byte[sizeof(int)];
        var third = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var paced = new HeldAppends(store) { Last = 2 };
        Consecutor<int> dead = New(paced);
        await dead.StartAsync(Cancellation);
        PipelineRun cut = (Source.Resumable<int>("file", ReadAsync) | dead).Start();
        await third.Task.WaitAsync(Cancellation);
        paced.First.SetResult();
        await paced.Ended.WaitAsync(Cancellation);
        _ = cut.CancelAsync();
        await dead.AbandonAsync();
        await cut.DisposeAsync();

        await using Consecutor<int> consecutor = New(store);
        await consecutor.StartAsync(Cancellation);
        await (Source.Resumable<int>("file", ReadAsync) | consecutor).RunAsync(cancellation: Cancellation);
        await HasAcceptedAsync(consecutor, 5);

        async IAsyncEnumerable<WithPosition<int>> ReadAsync(ReadOnlyMemory<byte> from,
            [EnumeratorCancellation] CancellationToken cancellation)
        {
            await Task.Yield();
            for (int item = from.IsEmpty ? 1 : BitConverter.ToInt32(from.Span) + 1; item <= 5; item++)
            {
                BitConverter.TryWriteBytes(buffer, item);
                if (item == 3) third.TrySetResult();
                yield return new(item, buffer);
            }
        }
    }

    [Fact]
    public async Task APositionThatIsTooLongIsRefusedWithTheNameOfTheProducer()
    {
        await using Consecutor<int> consecutor = New(store);
        await consecutor.StartAsync(Cancellation);
        PipelineException failure = await Assert.ThrowsAsync<PipelineException>(() => (Source.Resumable<int>("queue", static (_, _)
            => new WithPosition<int>[] { new(1, new byte[4_001]) }.ToAsyncEnumerable()) | consecutor).RunAsync(cancellation: Cancellation));
        Assert.Contains("A position of the producer 'queue' has 4,001 bytes, and may have 4,000.", failure.Message,
            StringComparison.Ordinal);
    }

    /// <summary>Makes items that exist only in this run.</summary>
    private static async IAsyncEnumerable<WithPosition<int>> Items(int first, int count, bool fails = false)
    {
        await Task.Yield();
        for (int item = first; item < first + count; item++) yield return new(item, BitConverter.GetBytes(item));
        if (fails) throw new IOException("the connection is broken");
    }

    private async Task HasAcceptedAsync(Consecutor<int> consecutor, int last)
    {
        await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal(Enumerable.Range(1, last).Select(n => $"{n}"), ledger.Lines.OrderBy(static line => int.Parse(line, null)));
    }

    private Consecutor<int> New(IStreamStore itsStore, int maxItems = 4) => new("work", source => source | ledger.Sink<int>(),
        new() { Store = itsStore, Stream = new() { Partitions = 1, MaxItems = maxItems }, Process = new() });

    /// <summary>Holds the first append until <see cref="First"/>; an append behind <see cref="Last"/> is never answered.</summary>
    private sealed class HeldAppends(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int calls;

        public TaskCompletionSource First { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Last { get; init; } = int.MaxValue;

        public Task Ended => ended.Task;

        public override async ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
        {
            int call = Interlocked.Increment(ref calls);
            if (call == 1) await First.Task;
            if (call > Last)
            {
                ended.TrySetResult();
                await Task.Delay(Timeout.Infinite, cancellation);
            }
            return await base.AppendAsync(request, cancellation);
        }
    }
}
