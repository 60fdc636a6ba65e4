using System.Collections;
using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A sequence that a stage makes of an item, and that fails where a sequence seldom does: the item has failed there, and the
/// others go on.</summary>
public class SequenceFailureTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>Regression: the consecutor ended, in the name of its source, and at the item again after each start.</remarks>
    [Theory]
    [InlineData(Fault.Dispose, false, false)]
    [InlineData(Fault.Dispose, false, true)]
    [InlineData(Fault.Current, false, false)]
    [InlineData(Fault.MoveNextAndDispose, false, false)]
    [InlineData(Fault.Dispose, true, false)]
    [InlineData(Fault.Current, true, false)]
    [InlineData(Fault.Current, true, true)]
    public async Task AnItemWhoseSequenceFailsIsADeadLetter(Fault fault, bool isAsync, bool retries)
    {
        var written = new ConcurrentQueue<int>();
        await using var store = new MemoryStreamStore();
        await using var work = new Consecutor<int>("work", source =>
        {
            Source<int> some = isAsync ? source | (Func<int, IAsyncEnumerable<int>>)(n => new Faulty(n, fault))
                : source | (Func<int, IEnumerable<int>>)(n => new Faulty(n, fault));
            return some | Stage.Named("some") | (retries ? Stage.Retry(1, Backoff.None) : Stage.Named("some")) | written.Enqueue;
        }, new() { Store = store, Delivery = DeliveryGuarantee.Replay(0), Stream = new() { Partitions = 1 } });
        await work.StartAsync(Cancellation);
        await work.SendAllAsync([1, 2, 3], Cancellation);
        ConsecutorSnapshot end = await work.WaitForIdleAsync(Cancellation);
        Assert.Equal((2L, 1L, 0L), (end.Completed, end.Dead, end.Unaccounted));
        DeadLetter letter = Assert.Single(await work.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
        Assert.Equal((2, "some"), ((int)letter.Item!, letter.Node));
        Assert.StartsWith($"FormatException: {(fault == Fault.MoveNextAndDispose ? Fault.MoveNext : fault)}", letter.Error,
            StringComparison.Ordinal);
        Assert.Equal([10, 11, 30, 31], written.Where(static n => n / 10 != 2).Order());
        await work.StopAsync(cancellation: Cancellation);
    }

    [Fact]
    public async Task ARunNamesTheStageWhoseSequenceCannotBeDisposed()
    {
        var failure = await Assert.ThrowsAsync<PipelineException>(() => (Source.From([1, 2])
            | (Func<int, IEnumerable<int>>)(static n => new Faulty(n, Fault.Dispose)) | Stage.Named("some") | (static _ => { }))
            .RunAsync());
        Assert.Equal("'some' failed on item 2: Dispose", failure.Message);
    }

    [Flags]
    public enum Fault
    {
        None = 0,
        MoveNext = 1,
        Current = 2,
        Dispose = 4,
        MoveNextAndDispose = MoveNext | Dispose,
    }

    private sealed class Faulty(int n, Fault fault) : IEnumerable<int>, IEnumerator<int>, IAsyncEnumerable<int>, IAsyncEnumerator<int>
    {
        private int at;

        public int Current
        {
            get
            {
                if (at == 2) ThrowIf(Fault.Current);
                return (n * 10) + at - 1;
            }
        }

        object IEnumerator.Current => Current;

        public bool MoveNext()
        {
            if (at == 1) ThrowIf(Fault.MoveNext);
            return ++at <= 2;
        }

        public ValueTask<bool> MoveNextAsync() => new(MoveNext());

        public void Dispose() => ThrowIf(Fault.Dispose);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }

        public void Reset() { }

        public IEnumerator<int> GetEnumerator() => this;

        IEnumerator IEnumerable.GetEnumerator() => this;

        public IAsyncEnumerator<int> GetAsyncEnumerator(CancellationToken cancellationToken = default) => this;

        private void ThrowIf(Fault asked)
        {
            if (n == 2 && fault.HasFlag(asked)) throw new FormatException($"{asked}");
        }
    }
}
